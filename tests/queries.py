"""How many queries a page takes beside its own."""

from django.db import connection


def of_the_access_log() -> int:
    """Return how many queries a line of the access log takes: savepoint, last line, new line, release; on PostgreSQL a lock too."""
    return 5 if connection.vendor == "postgresql" else 4
