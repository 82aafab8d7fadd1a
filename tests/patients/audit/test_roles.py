"""The application's role of PostgreSQL adds to the access log and reads it: deploy/postgres/roles.sql on a real server."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from patients.accounts.log_check import is_open_to_change
from patients.audit.log import record_access
from patients.models import AccessLog, Patient, User, Visit
from tests.factories import PASSWORD, one_time_code, prove, upload

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("postgresql" not in settings.DATABASES["default"]["ENGINE"], reason="SQLite has no roles"),
]
SCRIPT = Path(settings.BASE_DIR / "deploy/postgres/roles.sql")


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def as_application(ines: Patient) -> Iterator[None]:
    """Run the script, twice as it may be run, and continue as the application's role. Everything is rolled back, the roles too."""
    record_access(None, AccessLog.Action.VIEW, ines)
    script = SCRIPT.read_text()
    sql("SET CONSTRAINTS ALL IMMEDIATE")  # while a check waits, PostgreSQL changes no table
    for _ in range(2):
        sql(script)
    sql("SET ROLE affectline_app")
    yield
    sql("RESET ROLE")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE patients_accesslog SET action = 'view'",
        "DELETE FROM patients_accesslog",
        "TRUNCATE patients_accesslog",
        "DROP TRIGGER patients_accesslog_no_change ON patients_accesslog",
        "ALTER TABLE patients_accesslog DISABLE TRIGGER ALL",
        "DROP TABLE patients_accesslog",
        "CREATE OR REPLACE FUNCTION patients_accesslog_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TRIGGER quiet BEFORE INSERT ON patients_accesslog FOR EACH ROW EXECUTE FUNCTION patients_accesslog_refuse()",
        "SET session_replication_role = replica",
        "GRANT DELETE ON patients_accesslog TO affectline_app",
        "SET ROLE affectline_owner",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('patients', 'x', now())",
        "CREATE TABLE public.mine (n int)",
    ],
)
def test_application_cannot_change_the_log_or_what_guards_it(as_application: None, statement: str) -> None:
    # The session is that of a superuser, who may set anything: what the role itself may is asked for.
    if statement.startswith("SET"):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_has_role(oid, 'affectline_owner', 'MEMBER'), rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            assert cursor.fetchone() == (False, False)
        return
    if statement.startswith("GRANT"):  # PostgreSQL answers with a warning, and grants nothing
        sql(statement)
        statement = "DELETE FROM patients_accesslog"
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        sql(statement)
    assert AccessLog.objects.count() == 1


def test_owner_of_the_tables_is_another_role(as_application: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchall() == [("affectline_owner",)]
    assert is_open_to_change() is False
    sql("RESET ROLE")
    assert is_open_to_change() is True


def test_site_works_under_the_application_s_role(as_application: None, ada: User, ines: Patient, sent: list[str]) -> None:
    browser = Client()
    browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    browser.post("/accounts/2fa/authenticate/", {"code": one_time_code()})
    assert "Ines Moreau" in browser.get("/patients/").content.decode()
    browser.post(f"/patients/{ines.pk}/visits/new/", {"date": "2026-11-19"})
    visit = Visit.objects.get(date=date(2026, 11, 19))
    browser.post(f"/visits/{visit.pk}/photos/", {"photos": upload()})
    assert visit.photos.count() == 1
    browser.post(f"/photos/{visit.photos.get().pk}/delete/")
    prove(browser).post(
        f"/patients/{ines.pk}/edit/", {"name": "Ines Roe", "record_number": ines.record_number, "birth_date": "1991-02-14"}
    )
    ines.refresh_from_db()
    assert (ines.name, visit.photos.count()) == ("Ines Roe", 0)
    new = browser.post("/patients/new/", {"name": "Tom Weber", "record_number": "T-1", "birth_date": "1980-01-02"})
    assert new.status_code == 302
    actions = set(AccessLog.objects.values_list("action", flat=True))
    assert actions >= {"sign_in", "list", "add", "upload", "delete", "edit"}


def test_tables_of_later_migrations_are_open_to_the_application(as_application: None) -> None:
    sql("RESET ROLE")
    sql("SET ROLE affectline_owner")
    sql("CREATE TABLE later (id serial PRIMARY KEY, n int)")
    sql("SET ROLE affectline_app")
    sql("INSERT INTO later (n) VALUES (1)")
    sql("DELETE FROM later")
