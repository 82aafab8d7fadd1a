"""The same thing from several browsers in the same moment, on each database that we serve."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, connections

AT_ONCE = 4


def share_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads share the database of a `transactional_db` test as processes do, with the rows that it has now."""
    if connection.vendor == "sqlite":  # that of the tests lives in memory, where threads do not wait for each other
        file = folder / "db.sqlite3"
        with sqlite3.connect(file) as copy:
            connection.connection.backup(copy)
            # As the product's file is since its first migration: connections that change the mode all at once fail as "locked".
            copy.execute("PRAGMA journal_mode=WAL")
        copy.close()
        # For connections that are made from now on: those of the threads.
        monkeypatch.setitem(connections.settings, "default", connections.settings["default"] | {"NAME": str(file)})


def each_in_a_thread(work: Callable[[], str]) -> list[str]:
    """Return what `work` answered in each of several threads, sorted."""

    def run() -> str:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(run) for _ in range(AT_ONCE)]
        return sorted(answer.result() for answer in answers)
