"""Long lists, a portion at a time."""

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

FARTHEST = 2**31  # rows that a request can skip: what is more, no database counts


class LimitedPagination(LimitOffsetPagination):
    """As many rows as the caller wants, 500 at most."""

    max_limit = 500

    def get_offset(self, request: Request) -> int:
        """Return how many rows are skipped."""
        return min(super().get_offset(request), FARTHEST)
