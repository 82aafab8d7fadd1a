"""One migrated database for all processes of a run: the first migrates it, in four seconds of a core, and the others copy it."""

import fcntl
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.creation import BaseDatabaseCreation

from tests.environment import VAR

COPY = "affectline_migrated"


def share_migrated_database(patch: pytest.MonkeyPatch) -> None:
    """Let `create_test_db` copy what another process of this run has migrated."""
    create = BaseDatabaseCreation.create_test_db

    def create_or_copy(creation: BaseDatabaseCreation, *args: Any, **kwargs: Any) -> str:  # Any: Django's own signature
        with (VAR / "migrated.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            copied = copied_sqlite if creation.connection.vendor == "sqlite" else copied_postgres
            return copied(creation, lambda: create(creation, *args, **kwargs))

    patch.setattr(BaseDatabaseCreation, "create_test_db", create_or_copy)


def copied_sqlite(creation: BaseDatabaseCreation, create: Callable[[], str]) -> str:
    """Return the name of a new database in memory, with all tables."""
    copy = VAR / "migrated.sqlite3"
    is_there = copy.exists()
    if is_there:
        creation.connection.settings_dict["TEST"]["MIGRATE"] = False
    name = create()
    file = copy if is_there else copy.with_suffix(".new")
    with sqlite3.connect(file) as stored:
        ours: sqlite3.Connection = creation.connection.connection
        source, target = (stored, ours) if is_there else (ours, stored)
        source.backup(target)
    stored.close()
    if not is_there:
        shutil.move(file, copy)
    return name


def copied_postgres(creation: BaseDatabaseCreation, create: Callable[[], str]) -> str:
    """Return the name of a new database on the server, with all tables."""
    is_there = Path(VAR / "migrated.postgres")
    if is_there.exists():
        creation.connection.settings_dict["TEST"] |= {"MIGRATE": False, "TEMPLATE": COPY}
        return create()
    name = create()
    creation.connection.close()  # a database that is copied has no connections
    with creation.connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {COPY}")
        cursor.execute(f"CREATE DATABASE {COPY} TEMPLATE {creation.connection.ops.quote_name(name)}")
    is_there.touch()
    return name
