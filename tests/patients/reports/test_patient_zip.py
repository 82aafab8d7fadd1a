"""The export of one patient: everything that is stored, nothing of anybody else, nothing on the disk."""

import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from patients.audit.log import record_access
from patients.consent.consent import withdraw_consent
from patients.models import AccessLog, BreakGlass, Event, Membership, Patient, PhonePairing, SelfReport, Team, User
from patients.reports.patient_zip import zip_chunks, zip_response
from tests.factories import make_patient, make_photo, make_prediction, make_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def omar(ada: User) -> Patient:
    patient = make_patient(ada, name="Omar Haddad", birth_date=date(1980, 1, 2))
    visit = make_visit(patient, date(2026, 11, 3), note="Slept well. Ça va.")
    SelfReport.objects.create(visit=visit, mood=6)
    Event.objects.create(patient=patient, kind="therapy", label="Group", starts_on=date(2026, 10, 1), created_by=ada)
    make_prediction(make_photo(visit, original_name="IMG 1.jpg"))
    record_access(ada, AccessLog.Action.VIEW, patient)
    make_photo(make_visit(make_patient(ada, name="Ines Moreau"), note="Ines alone"))
    return patient


def opened(patient: Patient) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_chunks(patient))))
    assert archive.testzip() is None
    return archive


def test_archive_holds_the_record_the_pictures_and_the_entries(omar: Patient, ada: User) -> None:
    archive = opened(omar)
    photo = omar.visits.get().photos.get()
    assert sorted(archive.namelist()) == sorted(
        ["README.txt", "access.json", f"photos/{photo.pk}-1.0.0.png", f"photos/{photo.pk}.jpg", "record.json"]
    )
    record = json.loads(archive.read("record.json"))
    assert (record["name"], record["birth_date"], record["clinicians"]) == ("Omar Haddad", "1980-01-02", ["Dr Ada Lind"])
    assert record["consents"][0]["given_on"] == "2025-03-04"
    assert record["events"][0]["label"] == "Group"
    (visit,) = record["visits"]
    assert (visit["note"], visit["self_report"]["mood"]) == ("Slept well. Ça va.", 6)
    assert visit["photos"][0]["original_name"] == "IMG 1.jpg"
    assert visit["photos"][0]["readings"][0]["shares"]["happy"] == 0.6
    assert archive.read(f"photos/{photo.pk}.jpg").startswith(b"\xff\xd8")
    (entry,) = json.loads(archive.read("access.json"))
    assert (entry["action"], entry["actor_id"]) == ("view", ada.pk)


def test_record_tells_who_had_what_to_do_with_the_patient(omar: Patient, ada: User, bo: User) -> None:
    team, visit = Team.objects.create(name="Day clinic"), omar.visits.get()
    team.assignments.create(patient=omar)
    Membership.objects.create(team=team, clinician=bo)
    phone_pairing, _code = PhonePairing.make(visit, ada)
    visit.photos.update(phone_pairing=phone_pairing)
    visit.photos.get().exclude("Eyes closed.", bo)
    BreakGlass.objects.create(patient=omar, clinician=bo, reason="Found unconscious.")
    withdraw_consent(omar.consents.get(), ada, ada)
    record = json.loads(opened(omar).read("record.json"))
    (stored,) = record["visits"]
    assert record["care_teams"] == [{"name": "Day clinic", "members": ["Dr Bo Lindqvist"]}]
    assert [(each["clinician"], each["reason"]) for each in record["emergency_accesses"]] == [
        ("Dr Bo Lindqvist", "Found unconscious.")
    ]
    assert [(each["asked_by"], each["cause"], each["state"]) for each in record["erasure_requests"]] == [
        ("Dr Ada Lind", "withdrawal", "queued")
    ]
    assert record["consents"][0]["withdrawn_by"] == "Dr Ada Lind"
    assert [(each["id"], each["clinician"]) for each in stored["phones"]] == [(str(phone_pairing.pk), "Dr Ada Lind")]
    (photo,) = stored["photos"]
    assert (photo["uploaded_by"], photo["phone"], photo["excluded_by"]) == ("Dr Ada Lind", str(phone_pairing.pk), "Dr Bo Lindqvist")


def test_no_other_patient_is_in_it(omar: Patient) -> None:
    archive = opened(omar)
    contents = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Ines" not in contents
    assert len([name for name in archive.namelist() if name.endswith(".jpg")]) == 1


def test_erased_photo_is_listed_without_a_picture(omar: Patient) -> None:
    photo = omar.visits.get().photos.get()
    type(photo).objects.update(image="", preview="")
    archive = opened(omar)
    assert not [name for name in archive.namelist() if name.endswith(".jpg")]
    assert json.loads(archive.read("record.json"))["visits"][0]["photos"][0]["is_erased"] is True


@pytest.mark.parametrize("damage", ["lost", "damaged"])
def test_lost_file_is_named_and_the_rest_is_there(omar: Patient, damage: str) -> None:
    photo = omar.visits.get().photos.get()
    whole = make_photo(photo.visit)
    path = Path(photo.image.path)
    path.unlink() if damage == "lost" else path.write_bytes(b"gAAAA nothing")
    archive = opened(omar)
    assert archive.read("missing.txt").decode().split() == [f"photos/{photo.pk}.jpg"]
    assert [name for name in archive.namelist() if name.endswith(".jpg")] == [f"photos/{whole.pk}.jpg"]
    assert "record.json" in archive.namelist()


def test_download_is_named_by_id_and_streamed(omar: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))  # a temporary file would fail
    response = zip_response(omar)
    assert response.headers["Content-Disposition"] == f'attachment; filename="affectline-{omar.pk}.zip"'
    chunks = list(response.streaming_content)  # type: ignore[arg-type]  # not asynchronous here
    assert len(chunks) > 5
