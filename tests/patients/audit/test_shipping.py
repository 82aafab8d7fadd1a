"""Entries are sent away as they are written, and the log is verified against what was sent."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from patients.accounts.log_check import last_verified, verify_log
from patients.audit import shipping, triggers
from patients.audit.log import record_access
from patients.audit.shipping import first_unsent, send_head, send_unsent
from patients.models import AccessLog, Patient, User, Visit
from patients.models.access import pseudonym
from tests.factories import make_clinician

pytestmark = pytest.mark.django_db
Action = AccessLog.Action
Commits = Callable[..., AbstractContextManager[list[Callable[[], None]]]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test without a failure before it."""
    monkeypatch.setattr(shipping, "_paused_until", 0.0)


@pytest.fixture
def shipped(settings: LazySettings, tmp_path: Path) -> Path:
    """Return the file to which entries are sent."""
    settings.LOG_SHIP = f"file:{tmp_path / 'shipped.jsonl'}"
    return tmp_path / "shipped.jsonl"


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def cut_off(after: int) -> None:
    """Remove the last entries, as someone with the rights of the database's owner would."""
    triggers.lift(connection, AccessLog._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM patients_accesslog WHERE sequence > %s", [after])
    triggers.guard(connection, AccessLog._meta.db_table)


def write(count: int, who: User, patient: Patient, committed: Commits) -> None:
    for _ in range(count):
        with committed(execute=True):
            record_access(who, Action.VIEW, patient)


def test_entry_is_sent_once_it_is_stored_and_names_no_patient(
    ada: User, visit: Visit, shipped: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    with django_capture_on_commit_callbacks() as commits:
        entry = record_access(ada, Action.VIEW, obj=visit)
    assert entry
    assert not shipped.exists()  # a rollback would undo it
    for commit in commits:
        commit()
    line = lines_of(shipped)[0]
    assert line == {
        "event": "affectline.access",
        "sequence": 1,
        "at": line["at"],
        "action": "view",
        "account": ada.pk,
        "name": "Dr Ada Lind",
        "patient": pseudonym(visit.patient_id),
        "object": "visit",
        "object_id": "",
        "request": "",
        "network": "",
        "detail": {},
        "seal": entry.seal,
    }
    assert str(visit.pk) not in shipped.read_text()


def test_each_patient_of_a_list_is_sent(
    ada: User, ines: Patient, shipped: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    client = Client()
    client.force_login(ada)
    with django_capture_on_commit_callbacks(execute=True):
        client.get("/patients/")
    assert [(line["action"], line["patient"]) for line in lines_of(shipped)] == [("list", pseudonym(ines.pk))]


@contextmanager
def listener(kind: str, folder: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield what LOG_SHIP says of a listener of this kind, and a function that returns what it got."""
    family = socket.AF_INET if kind == "tcp" else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM if kind == "syslog" else socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0) if kind == "tcp" else str(folder / kind))
        if kind == "syslog":
            yield f"syslog:{folder / kind}", lambda: server.recv(65536)
            return
        server.listen()  # what is sent waits in the kernel until it is accepted
        yield f"tcp:127.0.0.1:{server.getsockname()[1]}" if kind == "tcp" else f"unix:{folder / kind}", lambda: accepted(server)


def accepted(server: socket.socket) -> bytes:
    peer, _address = server.accept()
    with peer:
        return peer.recv(65536)


@pytest.mark.parametrize("kind", ["unix", "tcp", "syslog"])
def test_entry_reaches_each_kind_of_receiver(
    ada: User, settings: LazySettings, tmp_path: Path, django_capture_on_commit_callbacks: Commits, kind: str
) -> None:
    with listener(kind, tmp_path) as (settings.LOG_SHIP, received):
        with django_capture_on_commit_callbacks(execute=True):
            entry = record_access(ada, Action.SIGN_IN, obj=ada)
        text = received().decode()
    assert entry
    assert text.startswith("<86>affectline: {" if kind == "syslog" else "{")
    assert json.loads(text[text.index("{") :].rstrip("\0"))["seal"] == entry.seal


def test_receiver_that_is_down_stops_no_one_and_gets_everything_later(
    ada: User, ines: Patient, settings: LazySettings, shipped: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    write(1, ada, ines, django_capture_on_commit_callbacks)
    there, settings.LOG_SHIP = settings.LOG_SHIP, f"unix:{shipped}-is-no-socket"
    write(3, ada, ines, django_capture_on_commit_callbacks)
    assert (AccessLog.objects.count(), first_unsent()) == (4, 2)
    administrator = Client()
    administrator.force_login(make_clinician("Kim Admin", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    assert "waits from entry 2 on" in administrator.get("/health/").content.decode()
    with pytest.raises(OSError, match="No such file"):
        send_unsent()
    settings.LOG_SHIP = there
    send_unsent()
    assert ([line["sequence"] for line in lines_of(shipped)], first_unsent()) == ([1, 2, 3, 4], None)


def test_head_is_sent_by_itself(ada: User, ines: Patient, shipped: Path, django_capture_on_commit_callbacks: Commits) -> None:
    write(2, ada, ines, django_capture_on_commit_callbacks)
    send_head()
    assert (lines_of(shipped)[-1]["event"], lines_of(shipped)[-1]["sequence"]) == ("affectline.head", 2)


def test_cut_off_end_is_detected_without_being_told_a_head(
    ada: User, ines: Patient, django_capture_on_commit_callbacks: Commits, capsys: pytest.CaptureFixture[str]
) -> None:
    write(4, ada, ines, django_capture_on_commit_callbacks)
    call_command("verify_audit")
    cut_off(2)
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit")
    assert "ends before entry 3" in capsys.readouterr().err


def test_log_is_verified_against_what_was_sent(
    ada: User, ines: Patient, settings: LazySettings, shipped: Path, django_capture_on_commit_callbacks: Commits
) -> None:
    write(4, ada, ines, django_capture_on_commit_callbacks)
    Path(settings.AUDIT_HEAD_FILE).unlink()  # that of another host, or deleted with the rest
    cut_off(2)
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit")
    settings.LOG_SHIP = ""
    call_command("verify_audit")
    for line in shipped.read_text().splitlines()[-1:]:
        shipped.write_text(f"Nov 30 03:00:00 host affectline: {line}\n")  # as a receiver of syslog wrote it
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", shipped=str(shipped))


def test_emptied_log_is_not_all_as_it_was_written(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    assert "The log is empty: no one has signed in yet." in capsys.readouterr().out
    User.objects.update(last_login=timezone.now())
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit")
    assert "the log is empty, although people have signed in" in capsys.readouterr().err


def test_nightly_check_turns_health_red_and_tells_administrators(
    ada: User, ines: Patient, django_capture_on_commit_callbacks: Commits
) -> None:
    kim = make_clinician("Kim Admin", "kim@clinic.test", role=User.Role.ADMINISTRATOR)
    browser = Client()
    browser.force_login(kim)

    def red() -> int:
        return browser.get("/health/").content.decode().split("<dt>Verified</dt>")[1].split("</dd>")[0].count("badge--bad")

    write(3, ada, ines, django_capture_on_commit_callbacks)
    for is_verified in (False, True):
        if is_verified:
            verify_log()
        assert red() == 0
        with time_machine.travel(timezone.now() + timedelta(hours=27)):
            browser.force_login(kim)
            assert red() == 1  # the scheduler does not run
            browser.force_login(kim)
    cut_off(2)
    verify_log()
    assert red() == 1
    result = last_verified()
    assert result
    assert (result.entries, result.faults) == (2, 1)
    assert [notice.kind for notice in kim.notices.all()] == ["log_fault"]
