"""Answers of the web server to tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http.response import HttpResponseBase


@contextmanager
def connection_kept() -> Iterator[None]:
    """Let no request close the database connection: on PostgreSQL the test's own transaction would end with it.

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


def put_away(answer: HttpResponseBase) -> None:
    """Close an answer that need not be read to its end."""
    with connection_kept():
        answer.close()
