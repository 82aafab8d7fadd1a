"""How many queries a page takes, and how many the access log adds to those of a page."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

OF_A_TEST = 2
"""In the transaction of a test, a page reads marks by a query of their own, and computes what it does not store."""
OF_THE_ACCESS_LOG = 4
"""Queries that an access log entry takes: savepoint, last entry (with the lock on PostgreSQL), new entry, release."""
BORDERS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def queries_of(browser: Client, path: str) -> list[str]:
    """Return the statements of a page, without the borders of transactions."""
    with CaptureQueriesContext(connection) as captured:
        response = browser.get(path)
    assert response.status_code == 200, f"{path} answers {response.status_code}"
    return [query["sql"] for query in captured if not query["sql"].startswith(BORDERS)]
