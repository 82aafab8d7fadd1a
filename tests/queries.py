"""How many queries the access log adds to those of a page."""

from django.db import connection


def of_the_access_log() -> int:
    """Return how many queries an access log entry takes: savepoint, last entry, new entry, release; a lock on PostgreSQL."""
    return 5 if connection.vendor == "postgresql" else 4
