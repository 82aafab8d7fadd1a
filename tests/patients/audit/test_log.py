"""The access log: entries are added, sealed and never changed; any change is detected."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from patients.api.authentication import ByKey
from patients.api.keys import check_key
from patients.audit import triggers as append_only
from patients.audit.chain import Fault, find_faults
from patients.audit.head import read_head
from patients.audit.log import POLLED_AGAIN_AFTER, network_of, record_access, request_id, tried_name
from patients.models import AccessLog, ApiToken, Patient, User, Visit
from patients.models.access import object_name, pseudonym
from tests.factories import make_photo

Action = AccessLog.Action
TABLE = AccessLog._meta.db_table


@pytest.fixture
def five_entries(ada: User, visit: Visit) -> list[AccessLog]:
    photo = make_photo(visit)
    entries = [record_access(ada, Action.IMAGE, obj=photo, what="preview", width=number) for number in range(5)]
    return [entry for entry in entries if entry]


@pytest.fixture
def unguarded(db: None) -> Any:
    """Remove the triggers, as someone with the rights of the database's owner could."""
    append_only.lift(connection, TABLE)


def sql(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("LOG", TABLE), values)


def faults() -> list[tuple[int, str]]:
    return [(fault.sequence, fault.kind) for fault in find_faults()]


@pytest.mark.django_db
def test_entry_says_who_did_what_to_which_photo(ada: User, visit: Visit) -> None:
    photo = make_photo(visit)
    entry = record_access(ada, Action.IMAGE, obj=photo, what="preview")
    assert entry is not None
    assert (entry.sequence, entry.action, entry.actor, entry.object_kind, entry.object_id) == (
        1,
        "image",
        ada,
        "photo",
        object_name(visit.patient_id, photo.pk),
    )
    assert entry.patient == pseudonym(visit.patient_id)
    assert entry.detail == {"what": "preview"}


@pytest.mark.django_db
def test_no_entry_holds_name_number_or_id_of_a_patient(ada: User, ines: Patient) -> None:
    record_access(ada, Action.VIEW, ines, obj=ines)
    stored = str(list(AccessLog.objects.values()))
    assert pseudonym(ines.pk) in stored
    for telling in (ines.name, ines.record_number, str(ines.pk), ines.pk.hex):
        assert telling not in stored


@pytest.mark.django_db
def test_long_text_does_not_reach_the_log(ada: User) -> None:
    with pytest.raises(ValueError, match="note"):
        record_access(ada, Action.EDIT, note="She said that her brother " * 10)
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1::/48"), ("", ""), ("unix:", "")],
)
def test_address_is_cut_to_its_network(address: str, network: str, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    assert network_of(RequestFactory().get("/", REMOTE_ADDR=address)) == network


def test_behind_a_proxy_its_header_counts_and_the_clients_does_not(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", headers={"x-forwarded-for": "10.9.9.9, 192.0.2.77"})
    assert network_of(request) == "192.0.2.0/24"


def test_entries_of_one_request_share_its_id(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get("/", headers={"x-request-id": "7" * 32})
    assert request_id(request) == "7" * 32
    forged = RequestFactory().get("/", headers={"x-request-id": "Ines Moreau"})
    assert request_id(forged) == request_id(forged)
    assert "Ines" not in request_id(forged)


def test_without_a_proxy_no_one_chooses_the_id_of_a_request(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    assert request_id(RequestFactory().get("/", headers={"x-request-id": "7" * 32})) != "7" * 32


@pytest.mark.django_db
def test_entry_of_the_api_names_the_key(ada: User, ines: Patient) -> None:
    request = APIRequestFactory().get("/")
    request.shown_key = check_key(request, ApiToken.issue(ada))  # type: ignore[attr-defined]  # as the middleware leaves it
    entry = record_access(Request(request, authenticators=[ByKey()]), Action.LIST, ines)
    assert entry is not None
    assert (entry.actor, entry.detail) == (ada, {"key": ApiToken.objects.get().pk})


def test_tried_name_tells_equal_from_different_and_no_more() -> None:
    assert tried_name("Ada@clinic.test ") == tried_name("ada@clinic.test") != tried_name("bo@clinic.test")
    assert "clinic" not in tried_name("ada@clinic.test")  # in hexadecimal, "ada" comes by chance


@pytest.mark.django_db
def test_polling_is_one_view(ada: User, bo: User, visit: Visit) -> None:
    polled = [record_access(ada, Action.VIEW, obj=visit, again_after=POLLED_AGAIN_AFTER) for _ in range(3)]
    assert [entry is not None for entry in polled] == [True, False, False]
    assert record_access(bo, Action.VIEW, obj=visit, again_after=POLLED_AGAIN_AFTER) is not None
    with time_machine.travel(timezone.now() - timedelta(hours=1)):  # the clock was set back: a later entry is not recent
        assert record_access(bo, Action.VIEW, obj=visit, again_after=POLLED_AGAIN_AFTER) is not None


@pytest.mark.django_db
def test_entry_cannot_be_changed_or_deleted_through_the_model(five_entries: list[AccessLog]) -> None:
    attempts: list[Callable[[], object]] = [
        five_entries[2].save,
        five_entries[2].delete,
        AccessLog.objects.all().delete,
        lambda: AccessLog.objects.update(action="view"),
        lambda: AccessLog(sequence=2, action="view").save(),
    ]
    for attempt in attempts:
        with pytest.raises(TypeError):
            attempt()
    assert faults() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE LOG SET action = 'view' WHERE sequence = 3",
        "UPDATE LOG SET seal = seal",
        "DELETE FROM LOG WHERE sequence = 5",
        "DELETE FROM LOG",
    ],
)
def test_database_itself_refuses(five_entries: list[AccessLog], statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement)
    assert AccessLog.objects.count() == 5


@pytest.mark.django_db
def test_entries_of_a_whole_caseload_are_a_chain_and_take_few_statements(ada: User, django_assert_max_num_queries: Any) -> None:
    detail = {"page": "caseload_csv", "glass": None, "n": 3, "is_first": True}
    entries = [AccessLog(action="export", actor_id=ada.pk, patient=f"{n:032}", detail=detail) for n in range(600)]
    with django_assert_max_num_queries(6):  # savepoint, a lock on PostgreSQL, the last entry, two portions, release
        AccessLog.append_all(entries)
    assert list(find_faults()) == []
    stored = AccessLog.objects.get(patient=f"{599:032}")
    assert (stored.detail, stored.at, stored.seal) == (detail, entries[-1].at, entries[-1].seal)


def test_untouched_log_has_no_fault(five_entries: list[AccessLog], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    assert capsys.readouterr().out == "5 entries, all as they were written.\n"


CHANGES = {
    "sequence": "9",
    "at": "'2026-01-01 00:00:00+00:00'",
    "action": "'view'",
    "actor_id": "NULL",
    "actor_name": "'Dr Bo'",
    "patient": "'f'",
    "object_kind": "'visit'",
    "object_id": "'0'",
    "request_id": "'0'",
    "network": "'198.51.100.0/24'",
    "detail": "'{}'",
    "seal": "'0'",
}


@pytest.mark.django_db
@pytest.mark.parametrize("column", [field.column for field in AccessLog._meta.concrete_fields])
def test_change_of_any_column_is_detected(five_entries: list[AccessLog], unguarded: None, column: str) -> None:
    sql(f"UPDATE LOG SET {column} = {CHANGES[column]} WHERE sequence = 3")
    assert faults()[0][0] == 3


@pytest.mark.django_db
@pytest.mark.parametrize("sequence", [1, 3, 4])
def test_removed_entry_leaves_a_gap(five_entries: list[AccessLog], unguarded: None, sequence: int) -> None:
    sql("DELETE FROM LOG WHERE sequence = %s", sequence)
    assert faults() == [(sequence, "gap")]


@pytest.mark.django_db
def test_gap_closed_by_renumbering_is_detected(five_entries: list[AccessLog], unguarded: None) -> None:
    sql("DELETE FROM LOG WHERE sequence = 3")
    for sequence in (4, 5):
        sql("UPDATE LOG SET sequence = %s WHERE sequence = %s", sequence - 1, sequence)
    assert (3, "changed") in faults()


@pytest.mark.django_db
def test_swapped_entries_are_detected(five_entries: list[AccessLog], unguarded: None) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        sql("UPDATE LOG SET sequence = %s WHERE sequence = %s", new, old)
    assert {2, 3} <= {sequence for sequence, _ in faults()}


@pytest.mark.django_db
def test_inserted_entry_without_the_key_is_detected(five_entries: list[AccessLog], settings: Any) -> None:
    settings.SEARCH_KEY = "another key"
    record_access(None, Action.VIEW)
    settings.SEARCH_KEY = "a third key"
    assert faults()[-1] == (6, "changed")


@pytest.mark.django_db
def test_cut_off_end_is_detected_against_a_kept_head(
    five_entries: list[AccessLog], unguarded: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("export_audit_head")
    kept = tmp_path / "head.json"
    kept.write_text(capsys.readouterr().out)
    assert json.loads(kept.read_text())["sequence"] == 5
    call_command("verify_audit", head=str(kept))
    sql("DELETE FROM LOG WHERE sequence > 3")
    call_command("verify_audit")  # alone, what is left looks whole
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", head=str(kept))
    assert "ends before entry 4" in capsys.readouterr().err


@pytest.mark.django_db
def test_log_that_was_cut_and_continued_is_detected_against_a_kept_head(
    ada: User, five_entries: list[AccessLog], unguarded: None
) -> None:
    kept = read_head()
    sql("DELETE FROM LOG WHERE sequence > 3")
    for _ in range(4):
        record_access(ada, Action.LIST)
    assert list(find_faults()) == []
    assert list(find_faults([kept])) == [Fault(5, "changed")]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "{}", "[]", "no"])
def test_invalid_head_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "head").write_text(text)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", head=str(tmp_path / "head"))


@pytest.mark.django_db
def test_entry_is_rolled_back_with_its_change(ada: User, ines: Patient) -> None:
    def edit_and_fail() -> None:
        with transaction.atomic():
            record_access(ada, Action.EDIT, ines)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        edit_and_fail()
    assert not AccessLog.objects.exists()


WRITERS = """
import os
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from patients.audit.log import record_access
from patients.models import AccessLog
AccessLog.objects.exists()  # switches to write-ahead logging, as a database in use has: the switch itself does not wait for locks
connection.close()
for _ in range(3):
    if os.fork() == 0:
        for _ in range(25):
            record_access(None, AccessLog.Action.LIST)
        os._exit(0)
print([os.wait()[1] for _ in range(3)], flush=True)
call_command("verify_audit")
"""


def own_database(folder: Path) -> str:
    """Return the address of the test's database for another process. SQLite's lives in memory: its copy lies in `folder`."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        (folder / "db.sqlite3").write_bytes(connection.connection.serialize())
        return f"sqlite:///{folder / 'db.sqlite3'}"
    facts = connection.settings_dict
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**facts)


@pytest.mark.django_db(transaction=True)
def test_entries_of_concurrent_processes_form_one_chain(tmp_path: Path) -> None:
    environ = os.environ | {"DATABASE_URL": own_database(tmp_path), "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    done = subprocess.run((sys.executable, "-c", WRITERS), cwd=settings.BASE_DIR, env=environ, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[0, 0, 0]", "75 entries, all as they were written."]


@pytest.mark.django_db(transaction=True)
def test_log_is_guarded_again_after_a_test_that_commits(ada: User) -> None:
    record_access(ada, Action.LIST)
    with pytest.raises(DatabaseError, match="append-only"):
        sql("DELETE FROM LOG")
