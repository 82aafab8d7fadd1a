"""Pagination of long lists."""

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MAX_OFFSET = 2**31  # a much larger number is an error in the database


class LimitedPagination(LimitOffsetPagination):
    """As many rows as the client asks for, 500 at most."""

    max_limit = 500

    def get_offset(self, request: Request) -> int:
        """Return how many rows to skip, MAX_OFFSET at most."""
        return min(super().get_offset(request), MAX_OFFSET)
