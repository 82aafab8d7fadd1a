"""Queueing photos for the worker: a page tries once; without a broker the row waits for the scheduled run."""

import socket

import pytest
from kombu.exceptions import OperationalError

from clinic import celery_app


def test_broker_that_is_away_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(seconds: float) -> None:
        raise AssertionError("a clinician would wait for this")

    monkeypatch.setattr("kombu.utils.functional.sleep", wait)
    with socket.socket() as silent:  # bound, so that no other program takes the port, and not listening
        silent.bind(("127.0.0.1", 0))
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with celery_app.connection_for_write(address) as connection, pytest.raises(OperationalError):
            celery_app.send_task("inference.tasks.predict", ("00000000-0000-0000-0000-000000000000",), connection=connection)
