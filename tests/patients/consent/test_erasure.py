"""Erasure: markers are stored wherever data can be stored, and afterwards everything is searched for them."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from kombu.transport.memory import Channel

from clinic import celery_app
from encryption.fields import EncryptedTextField, sealed_values
from encryption.seal import seal_text
from inference.models import Prediction
from inference.tasks import predict
from patients.audit.log import record_access
from patients.consent import erasure
from patients.consent.erasure import ask_for_erasure, carry_out, carry_out_erasures, tables_below
from patients.models import (
    AccessLog,
    BreakGlass,
    Consent,
    Draft,
    ErasureRequest,
    Event,
    Import,
    ImportFailure,
    LastViewed,
    OwnLabel,
    Patient,
    PhonePairing,
    Photo,
    SelfReport,
    User,
    Visit,
)
from patients.models.access import pseudonym
from patients.timeline.summaries import refresh
from tests.factories import make_care_request, make_finished_task, make_patient, make_photo, make_prediction, make_study, make_visit
from tests.peel import all_opened

pytestmark = pytest.mark.django_db

MARKS = {
    "name": "Zzyzx Qwortling",
    "record_number": "RN-77XQZ-MARK",
    "birth_date": "1911-03-07",
    "note": "NOTEMARK saw the sea",
    "event": "EVENTMARK moved house",
    "draft": "DRAFTMARK Qwortl",
    "emergency": "GLASSMARK fell on the stairs",
    "reason": "REASONMARK hand before the mouth",
    "photo_note": "PHOTONOTEMARK tired eyes",
    "remark": "REMARKMARK a polite smile",
    "file": "FILEMARK-at-the-lake.jpg",
    "folder": "FOLDERMARK sessions at the lake",
    "failed": "FAILEDMARK-lake.jpg",
    "text": "TEXTMARK-3",
    "sex": "SEXMARK",
    **{name: f"{name.upper()}MARK" * 9 for name in ("image", "preview", "crop")},
}
PICTURES = {"image", "preview", "crop", "file"}


@pytest.fixture
def marked(ada: User) -> Patient:
    """Return a patient who fills every table, with marks in every field that takes words."""
    patient = make_patient(ada, name=MARKS["name"], birth_date=date(1911, 3, 7), consents=())
    patient.record_number, patient.sex = MARKS["record_number"], MARKS["sex"]
    patient.save()
    Consent.give(patient, "care", ada, on=date(2026, 1, 2), text_version=MARKS["text"])
    LastViewed.now(patient, ada)
    make_study(ada, patient)
    make_care_request(ada, patient)
    patient.teams.create(name="Day clinic")
    BreakGlass.objects.create(patient=patient, clinician=ada, reason=MARKS["emergency"])
    Event.objects.create(patient=patient, kind="note", label=MARKS["event"], starts_on=date(2026, 2, 3), created_by=ada)
    batch = Import.objects.create(patient=patient, created_by=ada, name=MARKS["folder"])
    make_finished_task(ada, patient, f"Report of {MARKS['name']}", f"{MARKS['name']}.pdf")
    ImportFailure.objects.create(imported_in=batch, file_name=MARKS["failed"], code="empty")
    for week in range(3):
        visit = make_visit(patient, date(2026, 1, 5) + timedelta(weeks=week), note=MARKS["note"])
        SelfReport.objects.create(visit=visit, mood=week)
        phone_pairing, _code = PhonePairing.make(visit, ada)
        words = {"excluded_reason": MARKS["reason"], "note": MARKS["photo_note"]}
        photo = make_photo(visit, None, original_name=MARKS["file"], phone_pairing=phone_pairing, **words)
        for name in ("image", "preview"):
            field = getattr(photo, name)
            field.storage.delete(field.name)
            field.save(name, ContentFile(MARKS[name].encode()))
        OwnLabel.objects.create(photo=photo, clinician=ada, label="sad", remark=MARKS["remark"])
        make_prediction(photo, input_png=MARKS["crop"].encode())
        make_prediction(photo, Prediction.State.QUEUED, model_version="2.0.0")
    Draft.keep(ada, f"/patients/{patient.pk}/edit/", {"name": MARKS["draft"]}, patient)
    record_access(ada, AccessLog.Action.VIEW, patient)
    session = SessionStore()
    session["_messages"] = seal_text("messages", f"Not added: {MARKS['file']}. Opened {patient.pk}.")
    session.save()
    refresh([patient.pk])
    return patient


def everything(folder: Path) -> Iterator[bytes]:
    """Yield all that is stored, decrypted with our keys: every row of every table, the pages of the database, every file."""
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from map(as_bytes, row)
    if connection.vendor == "sqlite":
        yield connection.connection.serialize()  # with what deleted rows left behind
    for root in (folder, Path(project.VAR)):
        yield from (path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())
        yield from (str(path).encode() for path in sorted(root.rglob("*")))


def as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def found(folder: Path, marks: dict[str, str]) -> set[str]:
    """Return the names of the marks that are stored anywhere."""
    contents = b"\n".join(all_opened(content) for content in everything(folder))
    contents += all_opened("".join(str(SessionStore().decode(packed)) for packed in sessions()).encode())
    return {name for name, mark in marks.items() if mark.encode() in contents}


def sessions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_data FROM django_session")
        return [row[0] for row in cursor.fetchall()]


def ids_of(patient: Patient) -> dict[str, str]:
    rows = {"patient": [patient.pk], "visit": list(patient.visits.values_list("pk", flat=True))}
    rows["photo"] = list(Photo.objects.filter(visit__patient=patient).values_list("pk", flat=True))
    return {
        f"{kind} {n} {text}": text for kind, ids in rows.items() for n, each in enumerate(ids) for text in (str(each), each.hex)
    }


def erase(patient: Patient, level: str, by: User) -> None:
    ask_for_erasure(patient, level, by, by)
    carry_out_erasures()


def test_marked_patient_fills_every_table_and_every_field(marked: Patient) -> None:
    below = dict(tables_below(Patient, marked.pk))
    assert [model.__name__ for model, ids in below.items() if not ids] == []
    tables: list[tuple[type[Model], list[object]]] = [(Patient, [marked.pk]), *below.items()]
    for model, ids in tables:
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                written = [getattr(row, field.name) for row in model._default_manager.filter(pk__in=ids)]
                is_marked = any(mark in text for text in written for mark in MARKS.values())
                assert is_marked, f"{model.__name__}.{field.name} has no mark"


@pytest.mark.parametrize(
    ("level", "gone"), [("images", PICTURES), ("anonymise", set(MARKS)), ("all", set(MARKS))], ids=["images", "anonymise", "all"]
)
def test_no_marker_is_left_anywhere(marked: Patient, ada: User, private_files: Path, level: str, gone: set[str]) -> None:
    ids = ids_of(marked)
    assert found(private_files, MARKS) == set(MARKS)
    assert {name.split()[0] for name in found(private_files, ids)} == {"patient", "visit", "photo"}
    erase(marked, level, ada)
    assert found(private_files, MARKS) == set(MARKS) - gone
    if level != "images":
        assert found(private_files, ids) == set()
    assert [path for path in private_files.rglob("*") if path.is_file()] == []


def test_queue_holds_nothing_to_search_for(marked: Patient, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", "memory://")
    queued = Prediction.objects.filter(state="queued")[0]
    with celery_app.connection_for_write("memory://") as broker:
        predict.apply_async((str(queued.pk),), connection=broker)  # type: ignore[call-arg]  # missing in the stubs
        messages = "".join(str(message) for queue in Channel.queues.values() for message in queue.queue)
    Channel.queues.clear()
    assert messages
    for mark in (*MARKS.values(), *ids_of(marked).values()):
        assert mark not in messages
    erase(marked, "all", ada)
    predict(str(queued.pk))  # what the message leads to
    assert not Prediction.objects.exists()


def test_log_keeps_the_pseudonym_and_says_what_was_done(marked: Patient, ada: User) -> None:
    known_as = pseudonym(marked.pk)
    erase(marked, "all", ada)
    entries = AccessLog.objects.filter(patient=known_as)
    assert [entry.action for entry in entries] == ["view", "erase", "erased"]
    assert entries[2].detail == {"level": "all", "photos": 3}
    request = ErasureRequest.objects.get()
    assert (request.patient, request.pseudonym, request.state) == (None, known_as, "done")


def test_pictures_go_and_numbers_stay(marked: Patient, ada: User) -> None:
    erase(marked, "images", ada)
    photo = Photo.objects.filter(visit__patient=marked).with_predictions()[0]
    assert photo.is_erased
    client = Client()
    client.force_login(ada)
    assert {client.get(f"/photos/{photo.pk}/{what}/").status_code for what in ("image", "preview", "face/0")} == {404}
    assert not photo.may_be_read
    read = photo.predictions.get()  # the model that had yet to read it will never do so
    assert (read.state, read.happy, read.input_png) == ("done", 0.6, None)
    page = client.get(f"/photos/{photo.pk}/").content.decode()
    assert "The picture was erased. The results are kept." in page
    assert "erased before it was read" not in page


def test_picture_erased_before_it_was_read_says_so(visit: Visit) -> None:
    waiting = make_prediction(make_photo(visit), Prediction.State.QUEUED)
    erasure.erase_picture(waiting.photo)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("rejected", "photo_erased")


def test_anonymised_numbers_keep_their_distances_and_lead_nowhere(marked: Patient, ada: User) -> None:
    erase(marked, "anonymise", ada)
    patient = Patient.objects.get()
    assert (patient.name, patient.birth_date) == ("", date(timezone.localdate().year - erasure.MAX_AGE_KEPT, 1, 1))
    assert patient.record_number.startswith("anonymous")
    assert not patient.assignments.exists()
    assert not patient.consents.exists()
    first, second, third = Visit.objects.order_by("date")
    assert first.date < date(2026, 1, 5)
    assert (second.date - first.date, third.date - second.date) == (timedelta(weeks=1), timedelta(weeks=1))
    assert [visit.self_report.mood for visit in (first, second, third)] == [0, 1, 2]
    assert {prediction.happy for prediction in Prediction.objects.filter(photo__visit__patient=patient, state="done")} == {0.6}
    connection.check_constraints()


def test_other_patients_keep_everything(marked: Patient, ada: User, ines: Patient, private_files: Path) -> None:
    prediction = make_prediction(make_photo(make_visit(ines, note="Ines sleeps better")))
    erase(marked, "all", ada)
    prediction.refresh_from_db()
    assert prediction.input_png
    assert prediction.photo.image.read().startswith(b"\xff\xd8")
    assert found(private_files, {"note": "Ines sleeps better", "name": ines.name}) == {"note", "name"}


def test_only_sessions_that_name_the_patient_are_ended(marked: Patient, ada: User) -> None:
    session = SessionStore()
    session["_messages"] = "Photo added."
    session.save()
    erase(marked, "images", ada)
    assert len(sessions()) == 1


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: int) -> Callable[[], None]:
    """Make the `after`th call of a function fail as in a killed worker. Return the patch, to undo it."""
    original, calls = getattr(owner, name), []

    def killed(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, killed)
    return lambda: monkeypatch.setattr(owner, name, original)


@pytest.mark.parametrize(
    ("level", "owner", "name", "after"),
    [
        ("images", FileSystemStorage, "delete", 1),
        ("anonymise", FileSystemStorage, "delete", 4),
        ("images", erasure, "record_access", 2),
        ("all", erasure, "record_access", 2),
        ("anonymise", ErasureRequest, "finish", 1),
        ("all", ErasureRequest, "finish", 1),
        ("all", erasure, "end_identifying_sessions", 1),
    ],
)
def test_interrupted_erasure_is_finished(
    marked: Patient, ada: User, private_files: Path, monkeypatch: pytest.MonkeyPatch, level: str, owner: Any, name: str, after: int
) -> None:
    undo = interrupt(monkeypatch, owner, name, after)
    with pytest.raises(KeyboardInterrupt):
        erase(marked, level, ada)
    undo()
    carry_out_erasures()  # another worker may still hold it
    ErasureRequest.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    carry_out_erasures()
    assert ErasureRequest.objects.get().state == "done"
    assert found(private_files, MARKS) == set(MARKS) - (PICTURES if level == "images" else set(MARKS))


def test_words_of_an_erased_patient_are_deleted_from_drafts_of_other_pages(marked: Patient, ada: User) -> None:
    Draft.keep(ada, "/emergency/", {"record_number": f" {marked.record_number.lower()}", "reason": "Found unconscious."}, None)
    Draft.keep(ada, "/teams/new/", {"name": f"Those of {marked.name.upper()}s sister"}, None)
    Draft.keep(ada, "/patients/new/", {"name": "Someone Else"}, None)
    erase(marked, "all", ada)
    assert [draft.path for draft in Draft.objects.all()] == ["/patients/new/"]


def test_short_record_number_signs_no_one_out(client: Client, marked: Patient, ada: User) -> None:
    Patient.objects.filter(pk=marked.pk).update(
        **sealed_values(marked, record_number="1")
    )  # a digit of the moments that every session holds
    client.force_login(ada)
    erase(marked, "all", ada)
    assert Session.objects.count() == 1


def test_request_of_before_the_clock_was_set_back_is_taken_up_again(marked: Patient, ada: User) -> None:
    request = ask_for_erasure(marked, "images", ada, ada)
    ErasureRequest.objects.update(state="running", started_at=timezone.now() + timedelta(hours=2))
    assert ErasureRequest.objects.claim(request.pk) is not None


def test_request_is_carried_out_once(marked: Patient, ada: User) -> None:
    request = ask_for_erasure(marked, "images", ada, ada)
    assert ErasureRequest.objects.claim(request.pk) is not None
    assert ErasureRequest.objects.claim(request.pk) is None


def test_stopped_request_erases_nothing(marked: Patient, ada: User, private_files: Path) -> None:
    request = ask_for_erasure(marked, "images", ada, ada)
    assert request.stop()
    carry_out_erasures()
    assert found(private_files, MARKS) == set(MARKS)
    assert not ErasureRequest.objects.open().exists()


def test_second_request_widens_the_first(marked: Patient, ada: User) -> None:
    later = timezone.now() + timedelta(days=1)
    ErasureRequest.queue(marked, "all", ada, ErasureRequest.Cause.WITHDRAWAL, later)
    ask_for_erasure(marked, "images", ada, ada)
    request = ErasureRequest.objects.get()
    assert (request.level, request.due_at < later) == ("all", True)


@pytest.mark.parametrize("is_claimed", [False, True])
def test_more_that_is_asked_for_meanwhile_is_erased_too(marked: Patient, ada: User, private_files: Path, is_claimed: bool) -> None:
    running = ErasureRequest.objects.claim(ask_for_erasure(marked, "anonymise", ada, ada).pk)
    assert running is not None
    more = ask_for_erasure(marked, "all", ada, ada)
    if is_claimed:  # by another worker, who waits for our transaction
        ErasureRequest.objects.claim(more.pk)
    carry_out(running)
    ErasureRequest.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    carry_out_erasures()
    assert found(private_files, MARKS) == set()
    assert not Patient.objects.filter(name="").exists()
    assert {request.state for request in ErasureRequest.objects.all()} == {"done"}
    assert AccessLog.objects.get(action="erased").detail["level"] == "all"


@pytest.fixture
def further_tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that a further task is noted in, instead of being queued; no portion is longer than one photo."""
    noted: list[str] = []
    monkeypatch.setattr(erasure, "PORTION_SECONDS", -1)
    monkeypatch.setattr(carry_out_erasures, "delay", lambda: noted.append("carry_out_erasures"))
    return noted


def test_large_erasure_goes_on_in_further_tasks(marked: Patient, ada: User, private_files: Path, further_tasks: list[str]) -> None:
    ask_for_erasure(marked, "all", ada, ada)
    for left in (2, 1, 0):
        carry_out_erasures()
        assert Photo.objects.exclude(image="").count() == left
        assert ErasureRequest.objects.get().photos_erased == 3 - left
    assert not ErasureRequest.objects.get().stop()
    carry_out_erasures()
    assert further_tasks == ["carry_out_erasures"] * 4
    assert found(private_files, MARKS) == set()
    assert AccessLog.objects.get(action="erased").detail == {"level": "all", "photos": 3}


def test_time_limit_in_the_middle_loses_no_count(marked: Patient, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    undo = interrupt(monkeypatch, erasure, "erase_picture", 3)
    with pytest.raises(KeyboardInterrupt):
        erase(marked, "images", ada)
    undo()
    assert ErasureRequest.objects.get().photos_erased == 2
