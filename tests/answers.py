"""Responses of the web server in tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http.response import HttpResponseBase


@contextmanager
def connection_kept() -> Iterator[None]:
    """Keep requests from closing the database connection: on PostgreSQL that would end the test's own transaction.

    Django's test client does so by itself, but only while it makes a request.
    """
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def close_unread(answer: HttpResponseBase) -> None:
    """Close a response without reading it to the end."""
    with connection_kept():
        answer.close()
