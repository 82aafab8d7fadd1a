"""What was erased stays unreadable: in old pages of the database, in its log, in dumps, and after one of them is restored."""

import json
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.types.json import Jsonb

from encryption import patient_keys
from encryption.seal import SealBroken
from encryption.watch import broken, clear
from patients.audit import triggers
from patients.audit.log import record_access
from patients.consent.erasure import ask_for_erasure, carry_out_erasures
from patients.models import AccessLog, ErasureRequest, Event, Patient, Photo, SelfReport, User, Visit
from patients.models.access import object_name, pseudonym
from tests.factories import make_clinician, make_finished_task, make_patient, make_photo, make_prediction, make_visit, upload
from tests.peel import all_opened, held_keys

MARKS = ("Zzyzx Qwortling", "NOTEMARK", "EVENTMARK", "FILEMARK", "CROPMARK", "PICTUREMARK", "1911-03-07", "REPORTMARK")


@pytest.fixture
def marked(transactional_db: None, private_files: Path) -> Patient:
    """Return a patient whose fields and files hold the marks; everything is committed."""
    ada = make_clinician()
    patient = make_patient(ada, name=MARKS[0], birth_date="1911-03-07")  # type: ignore[arg-type]  # as a form sends it
    visit = make_visit(patient, note="NOTEMARK")
    Event.objects.create(patient=patient, kind="note", label="EVENTMARK", starts_on=visit.date, created_by=ada)
    SelfReport.objects.create(visit=visit, phq9=17)
    photo = make_photo(visit, original_name="FILEMARK.jpg")
    make_prediction(photo, input_png=b"CROPMARK" * 400)  # long enough to leave the row (TOAST)
    path = Path(photo.image.storage.path(str(photo.image.name)))
    path.write_bytes(resealed(photo, b"PICTUREMARK"))
    make_finished_task(ada, patient, "REPORTMARK", "report.pdf")
    return patient


def resealed(photo: Photo, content: bytes) -> bytes:
    """Return `content` sealed as the picture of the photo."""
    from encryption.seal import seal
    from encryption.sealing import place_of

    keys = patient_keys.find(photo.visit.patient_id)
    return seal(keys.pictures_ring, place_of(photo, Photo._meta.get_field("image")), content)


def pages() -> Iterator[bytes]:
    """Yield the files of the database as they lie on disk: tables with what deleted rows left, and the write-ahead log."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            yield connection.connection.serialize()
            return
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        (oid,) = cursor.fetchone()
    for part in (f"base/{oid}", "pg_wal"):
        yield from (path.read_bytes() for path in sorted((Path(folder) / part).iterdir()) if path.is_file())


def found(*copies: bytes) -> set[str]:
    """Return the marks that anyone with every key that is left can read in `copies`."""
    keys = held_keys()
    return {mark for copy in copies for content in [all_opened(copy, keys)] for mark in MARKS if mark.encode() in content}


def backup_of(folder: Path) -> list[bytes]:
    """Return the files of the photos and tasks, as a backup would keep them."""
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def erase(patient: Patient, level: str = "all") -> None:
    by = User.objects.earliest("pk")
    ask_for_erasure(patient, level, by, by)
    carry_out_erasures()


def test_nothing_that_lies_around_opens_after_an_erasure(marked: Patient, private_files: Path) -> None:
    before = [*pages(), *backup_of(private_files)]
    assert found(*before) == set(MARKS)
    erase(marked)
    assert found(*before) == set()  # the backup of before, with every key that is left
    assert found(*pages(), *backup_of(private_files)) == set()  # what is on disk now


def test_pages_of_before_were_still_there_and_did_not_open(marked: Patient, private_files: Path) -> None:
    """PostgreSQL keeps old rows: they are found, but no key is left that opens them."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite overwrites what is deleted")
    keys = held_keys()
    erase(marked)
    left = list(pages())
    assert {mark for page in left for mark in MARKS if mark.encode() in all_opened(page, keys)} >= {"NOTEMARK", "CROPMARK"}
    assert found(*left) == set()


def test_pictures_do_not_open_once_they_are_erased_and_the_rest_does(marked: Patient, private_files: Path) -> None:
    before = [*pages(), *backup_of(private_files)]
    erase(marked, "images")
    assert found(*before) == set(MARKS) - {"FILEMARK", "CROPMARK", "PICTUREMARK", "REPORTMARK"}
    patient = Patient.objects.get()
    assert (patient.name, patient.visits.get().note, Event.objects.get().label) == (MARKS[0], "NOTEMARK", "EVENTMARK")
    assert SelfReport.objects.get().phq9 == 17


def test_photo_that_waits_while_pictures_are_erased_is_sealed_with_the_new_key(marked: Patient, sent: list[str]) -> None:
    from patients.photos import receive

    visit, hold = marked.visits.get(), receive._hold_consent

    def hold_after_an_erasure(photo: Photo) -> None:
        erase(marked, "images")
        hold(photo)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receive, "_hold_consent", hold_after_an_erasure)
        photo = receive.receive_photo(visit, upload(), User.objects.get())
    photo = Photo.objects.get(pk=photo.pk)
    assert photo.image.read()
    assert photo.preview.read()


def test_numbers_of_an_anonymised_patient_stay_and_the_key_of_before_does_not(marked: Patient, private_files: Path) -> None:
    before = [*pages(), *backup_of(private_files)]
    erase(marked, "anonymise")
    assert found(*before) == set()
    assert not patient_keys.has(marked.pk)
    assert (SelfReport.objects.get().phq9, Event.objects.get().kind) == (17, "note")
    assert Patient.objects.get().record_number.startswith("anonymous")


def test_keys_go_although_the_worker_dies_after_the_commit(marked: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ErasureRequest, "forget_keys", lambda request: None)
        erase(marked)
    assert patient_keys.has(marked.pk)
    carry_out_erasures()
    assert not patient_keys.has(marked.pk)
    assert ErasureRequest.objects.get().keys_of is None


def test_keys_stay_when_the_erasure_is_not_committed(marked: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(request: ErasureRequest) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(ErasureRequest, "finish", fails)
    with pytest.raises(OSError, match="disk is full"):
        erase(marked)
    assert Patient.objects.get().name == MARKS[0]


def test_destroyed_keys_are_overwritten_before_they_are_deleted(marked: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = [each for each in patient_keys.stored() if each == patient_keys._path(marked.pk)]
    held, linked = path.read_bytes(), path.with_name("another-name")
    linked.hardlink_to(path)
    patient_keys.destroy(marked.pk)
    assert not path.exists()
    assert len(linked.read_bytes()) == len(held)
    assert linked.read_bytes() != held


@pytest.fixture
def dump(marked: Patient) -> Any:
    """Return a function that restores the tables as they are now, as a restored dump of the database would."""
    tables = [table for table in connection.introspection.table_names() if table not in ("django_migrations", "cache")]
    kept = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            kept[table] = ([column[0] for column in cursor.description], cursor.fetchall())

    def restore() -> None:
        log = AccessLog._meta.db_table
        triggers.lift(connection, log)
        with connection.constraint_checks_disabled(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = replica")
            for table, (columns, rows) in kept.items():
                cursor.execute(f"DELETE FROM {table}")
                marks = ", ".join(["%s"] * len(columns))
                names = ", ".join(connection.ops.quote_name(column) for column in columns)
                for row in rows:
                    values: list[Any] = [Jsonb(cell) if isinstance(cell, dict | list) else cell for cell in row]
                    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = DEFAULT")
        triggers.guard(connection, log)

    return restore


@pytest.mark.parametrize("level", ["all", "anonymise", "images"])
def test_restored_dump_is_erased_again(marked: Patient, dump: Any, private_files: Path, tmp_path: Path, level: str) -> None:
    make_clinician("Kim Roe", "kim@clinic.test", role=User.Role.ADMINISTRATOR)
    files = tmp_path / "backup"
    shutil.copytree(private_files, files)
    erase(marked, level)
    listed = tmp_path / "erased.jsonl"
    listed.write_text(output("export_erasures"))
    assert json.loads(listed.read_text())["level"] == level
    dump()
    shutil.copytree(files, private_files, dirs_exist_ok=True)
    make_clinician("Kim Roe", "kim@clinic.test", role=User.Role.ADMINISTRATOR)
    back = Patient.objects.get()
    if level == "images":
        assert back.name == MARKS[0]  # the record of the backup opens
    else:
        with pytest.raises(SealBroken):
            str(back.name)  # the patient is back, and nothing of them opens
    clear()
    assert "1 were carried out again" in output("reapply_erasures", str(listed))
    assert broken() == []  # an erasure is no fault
    assert Photo.objects.exclude(image="").count() == 0
    assert Patient.objects.count() == (1 if level == "images" else 0)
    assert [path for path in private_files.rglob("*") if path.is_file()] == []
    assert "0 were carried out again" in output("reapply_erasures", str(listed))
    assert "0 were carried out again" in output("reapply_erasures")  # the list beside the keys is the same


def test_list_of_erasures_tells_no_more_than_pseudonyms(marked: Patient) -> None:
    known_as = pseudonym(marked.pk)
    erase(marked)
    (line,) = (Path(project.PATIENT_KEYS) / "erased.jsonl").read_text().splitlines()
    assert line + "\n" == output("export_erasures")
    facts = json.loads(line)
    assert (facts.keys(), facts["pseudonym"], facts["level"]) == ({"done_at", "pseudonym", "level"}, known_as, "all")


def test_list_that_is_none_erases_nothing(marked: Patient, tmp_path: Path) -> None:
    (tmp_path / "list").write_text('{"pseudonym": "x", "level": "everything", "done_at": "2026-11-30T00:00:00+00:00"}')
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("reapply_erasures", str(tmp_path / "list"), by="ada@clinic.test")
    assert Patient.objects.exists()


def test_patient_without_keys_who_is_in_no_list_is_told(marked: Patient, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("")
    patient_keys.destroy(marked.pk)
    assert f"Patient {marked.pk} has no keys" in output("reapply_erasures", str(tmp_path / "list"), "--by", "ada@clinic.test")


def test_log_names_no_visit_or_photo_of_an_older_export(marked: Patient) -> None:
    """The ids were in an export. The log named these rows by a key that the erasure destroyed."""
    visit, photo, by = Visit.objects.get(), Photo.objects.get(), User.objects.get()
    ids = [each for key in (visit.pk, photo.pk) for each in (str(key), key.hex)]
    record_access(by, AccessLog.Action.VIEW, obj=visit)
    record_access(by, AccessLog.Action.MOVE, marked, photo, from_visit=str(visit.pk), to_visit=str(visit.pk))
    named = AccessLog.objects.get(action="view").object_id
    assert named == object_name(marked.pk, visit.pk)
    erase(marked)
    stored = [str(row) for row in AccessLog.objects.values_list()]
    assert [each for each in ids if any(each in row for row in stored)] == []
    assert object_name(marked.pk, visit.pk) == ""  # no one can make the name again


def output(*arguments: str) -> str:
    """Return what a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()
