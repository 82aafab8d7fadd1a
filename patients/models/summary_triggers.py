"""Triggers that mark summaries as outdated at every change of a photo, a reading, a visit or a patient."""

from django.db.backends.base.base import BaseDatabaseWrapper

MARKS = "patients_outdated"
SHARES = "angry, disgust, fear, happy, sad, surprise, neutral"
READING = f"photo_id, state, reason, abstained, model_version, requested_at, finished_at, {SHARES}"
# table: the columns that summaries depend on, and the marks (photo_id, visit_id, patient_id) of an old and of a new row
TABLES = {
    "inference_prediction": (READING, ("{row}.photo_id", "NULL", "NULL")),
    "patients_photo": ("id, visit_id, image, excluded_at, dismissed_at", ("NULL", "{row}.visit_id", "NULL")),
    "patients_visit": ("id, patient_id, date, created_at, is_baseline", ("NULL", "{row}.id", "{row}.patient_id")),
    "patients_patient": ("id, name, record_number", ("NULL", "NULL", "{row}.id")),
}
ROWS = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}
COLUMNS = "(photo_id, visit_id, patient_id)"


def put_triggers(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place, anew where it is there. Raises KeyError for an unknown database.

    SQLite drops the triggers of a table when a migration makes the table anew. Such a migration ends with this function.
    """
    remove_triggers(connection)
    write = {"sqlite": _sqlite, "postgresql": _postgres}[connection.vendor]
    with connection.cursor() as cursor:
        for table, (columns, mark) in TABLES.items():
            for event, rows in ROWS.items():
                of = f"UPDATE OF {columns}" if event == "update" else event.upper()
                values = ", ".join(f"({', '.join(mark).format(row=row)})" for row in rows)
                insert = f"INSERT INTO {MARKS} {COLUMNS} VALUES {values}"  # nosec B608  # names of our own tables alone
                for statement in write(f"{table}_{event}_outdates", of, table, insert):
                    cursor.execute(statement)


def remove_triggers(connection: BaseDatabaseWrapper) -> None:
    """Remove the triggers: before a migration that makes one of the tables anew, and for going back."""
    with connection.cursor() as cursor:
        for table in TABLES:
            for event in ROWS:
                name = f"{table}_{event}_outdates"
                if connection.vendor == "sqlite":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                else:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                    cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def _sqlite(name: str, event: str, table: str, insert: str) -> tuple[str, ...]:
    return (f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {insert}; END",)


def _postgres(name: str, event: str, table: str, insert: str) -> tuple[str, ...]:
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {insert}; RETURN NULL; END $$"
    return function, f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
