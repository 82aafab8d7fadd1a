"""The database as one file, and back: the online backup of SQLite, pg_dump and pg_restore of PostgreSQL."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

from patients.models import User

NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
EMPTIED = b"""
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', oid::regclass)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND proowner = current_user::regrole
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;
"""
"""Drops what an owner of the tables can drop, who may not own the schema (deploy/postgres/roles.sql)."""


class DatabaseFault(Exception):
    """A database that could not be saved or loaded; the message says why."""


def name() -> str:
    """Return the name of this engine's file in a backup."""
    return NAMES[connection.vendor]


def is_in_use() -> bool:
    """Whether the database belongs to an installation that has a user."""
    with connection.cursor() as cursor:
        if User._meta.db_table not in connection.introspection.table_names(cursor):
            return False
    return User.objects.exists()


def save(target: Path) -> None:
    """Write the database as it is at one moment into a new file. Others go on writing meanwhile. Raises DatabaseFault."""
    if connection.vendor == "postgresql":
        _run(_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        return
    connection.ensure_connection()
    with closing(sqlite3.connect(target)) as copy:
        connection.connection.backup(copy)


def load(source: Path) -> None:
    """Put what `save` wrote in the place of this database, in one transaction. Raises DatabaseFault: then nothing has changed."""
    if connection.vendor == "postgresql":
        _load_postgresql(source)
    else:
        _load_sqlite(source)


def _load_sqlite(source: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(source)) as saved:
        if saved.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise DatabaseFault("The database in the backup is damaged.")
        saved.backup(connection.connection)
    connection.close()


def _load_postgresql(source: Path) -> None:
    connection.close()
    restoring = subprocess.Popen(
        (_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(source)), stdout=subprocess.PIPE
    )
    psql = (_program("psql"), "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    loading = subprocess.Popen(psql, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment())
    assert restoring.stdout
    assert loading.stdin
    assert loading.stderr
    with restoring.stdout, loading.stdin:
        try:
            loading.stdin.write(EMPTIED)
            shutil.copyfileobj(restoring.stdout, loading.stdin)
            if restoring.wait():
                loading.kill()  # its transaction goes with it
        except BrokenPipeError:
            restoring.kill()
    with loading.stderr:
        told = loading.stderr.read().decode(errors="replace").strip()
    if loading.wait() or restoring.wait():
        raise DatabaseFault(f"The database was not restored, and is as it was: {told[-500:]}")


def _run(*command: str) -> None:
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DatabaseFault(done.stderr.strip()[-500:])


def _program(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise DatabaseFault(f"{program} is missing. On Debian: apt-get install postgresql-client")
    return found


def _environment() -> dict[str, str]:
    """Return what PostgreSQL's programs read: where the database is, and the password, which no command line holds."""
    at = connection.settings_dict
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    found = {variable: str(at[key]) for variable, key in named.items() if at.get(key)}
    options = {f"PG{key.upper()}": str(value) for key, value in at.get("OPTIONS", {}).items() if key in ("sslmode", "sslrootcert")}
    return os.environ | found | options
