"""Triggers by which the database itself refuses to change or remove the rows of a table."""

from django.db.backends.base.base import BaseDatabaseWrapper

_SQLITE_GUARD = (
    "CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table}"
    " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table}"
    " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
)
_SQLITE_LIFT = ("DROP TRIGGER IF EXISTS {table}_no_update", "DROP TRIGGER IF EXISTS {table}_no_delete")
_POSTGRES_GUARD = (
    "CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE OR REPLACE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    "CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
)
_POSTGRES_LIFT = (
    "DROP TRIGGER IF EXISTS {table}_no_change ON {table}",
    "DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
    "DROP FUNCTION IF EXISTS {table}_refuse()",
)
GUARD = {"sqlite": _SQLITE_GUARD, "postgresql": _POSTGRES_GUARD}
LIFT = {"sqlite": _SQLITE_LIFT, "postgresql": _POSTGRES_LIFT}


def guard(connection: BaseDatabaseWrapper, table: str) -> None:
    """Have the database refuse UPDATE, DELETE and TRUNCATE on `table` from now on. Raises KeyError for an unknown database."""
    _run(connection, GUARD[connection.vendor], table)


def lift(connection: BaseDatabaseWrapper, table: str) -> None:
    """Take the triggers away: for going back a migration, and for tests that empty their database."""
    _run(connection, LIFT[connection.vendor], table)


def _run(connection: BaseDatabaseWrapper, statements: tuple[str, ...], table: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(table=table))
