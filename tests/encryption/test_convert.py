"""The migration that binds what was stored to its rows: all of it, once, on with it after an interruption, and back."""

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings as project
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from encryption import convert, patient_keys
from encryption.convert import Table
from encryption.keys import field_keys
from encryption.legacy import START, fernet
from encryption.seal import MAGIC, open_text, seal_text
from inference.models import Prediction
from patients.models import (
    BreakGlass,
    Draft,
    Event,
    Import,
    ImportFailure,
    OwnLabel,
    Patient,
    PatientImport,
    Photo,
    SelfReport,
    Task,
    User,
    Visit,
)
from tests.factories import make_finished_task, make_photo, make_prediction, picture

pytestmark = pytest.mark.django_db
migration = importlib.import_module("patients.migrations.0113_seal_what_was_stored")


@pytest.fixture(scope="module")
def then(django_db_setup: None, django_db_blocker: Any) -> Any:
    """Return the models as the migration sees them."""
    with django_db_blocker.unblock():
        return MigrationLoader(connection).project_state(("patients", "0113_seal_what_was_stored")).apps


@pytest.fixture
def former(ada: User, visit: Visit, private_files: Path, then: Any) -> Photo:
    """Return a photo of a patient who has something in every sealed field, all of it as it was stored before."""
    patient = visit.patient
    patient.sex, visit.note = "female", "Talks of the sea"
    patient.save()
    visit.save()
    Event.objects.create(patient=patient, kind="therapy", label="Group", starts_on=visit.date, created_by=ada)
    SelfReport.objects.create(visit=visit, mood=0, phq9=17)
    photo = make_photo(visit, original_name="lake.jpg", note="rested", excluded_reason="blurred")
    make_prediction(photo, explanation_png=b"map")
    OwnLabel.objects.create(photo=photo, clinician=ada, label="sad", remark="a polite smile")
    ImportFailure.objects.create(
        imported_in=Import.objects.create(patient=patient, created_by=ada, name="sessions"), file_name="sea.jpg", code="empty"
    )
    Draft.keep(ada, f"/patients/{patient.pk}/edit/", {"name": "Ines M"}, patient)
    Draft.keep(ada, "/patients/new/", {"name": "Tom"}, None)
    BreakGlass.objects.create(patient=patient, clinician=ada, reason="Fell on the stairs")
    make_finished_task(ada, patient, "a report", "Moreau.pdf")
    PatientImport.objects.create(created_by=ada, file_name="all.csv", rows="[]")
    factor = {"secret": seal_text("second factors", "JBSWY3DPEHPK3PXP"), "migrated_codes": [seal_text("second factors", "1234")]}
    Authenticator.objects.update_or_create(user=ada, type="totp", defaults={"data": factor})
    assert_all_is_there()
    migration.unseal_all(then, None)
    return photo


def assert_all_is_there() -> None:
    """Check that every field opens and holds what it should."""
    patient, visit, photo, ada = Patient.objects.get(), Visit.objects.get(), Photo.objects.get(), User.objects.get()
    assert (patient.name, patient.birth_date, patient.sex) == ("Ines Moreau", date(1991, 2, 14), "female")
    assert patient.record_number.startswith("R-")
    assert (visit.note, photo.original_name, photo.note) == ("Talks of the sea", "lake.jpg", "rested")
    assert photo.excluded_reason == "blurred"
    assert (photo.image.read(), photo.preview.read()) == (picture(), picture())
    report, event = SelfReport.objects.get(), Event.objects.get()
    assert (report.mood, report.phq9, report.gad7, event.kind, event.label) == (0, 17, None, "therapy", "Group")
    read = Prediction.objects.get()
    assert (read.input_png, read.explanation_png) == (picture(48, 48, "grey", "PNG", mode="L"), b"map")
    assert (OwnLabel.objects.get().remark, Import.objects.get().name) == ("a polite smile", "sessions")
    assert ImportFailure.objects.get().file_name == "sea.jpg"
    assert Draft.read(ada, f"/patients/{patient.pk}/edit/") == {"name": "Ines M"}
    assert Draft.read(ada, "/patients/new/") == {"name": "Tom"}
    assert BreakGlass.objects.get().reason == "Fell on the stairs"
    assert (Task.objects.get().file_name, Task.objects.get().file.read()) == ("Moreau.pdf", b"a report")
    assert (PatientImport.objects.get().file_name, PatientImport.objects.get().rows) == ("all.csv", "[]")
    data = Authenticator.objects.get(type="totp").data
    assert [open_text("second factors", each) for each in (data["secret"], *data["migrated_codes"])] == ["JBSWY3DPEHPK3PXP", "1234"]


def stored() -> list[bytes]:
    """Return every value of every table and every file, as it is stored."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            cells = [cell for row in cursor.fetchall() for cell in row]
            found += [bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in cells]
    return found + [path.read_bytes() for path in sorted(Path(project.MEDIA_ROOT).rglob("*")) if path.is_file()]


def test_everything_of_before_is_sealed_for_its_row(former: Photo, then: Any) -> None:
    assert sum(value.startswith(START) for value in stored()) == 22
    assert [value for value in stored() if value.startswith(MAGIC)] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT phq9 FROM patients_selfreport")
        assert cursor.fetchone() == ("17",)
    for path in patient_keys.stored():
        path.unlink()
    migration.seal_all(then, None)
    assert [value for value in stored() if START in value] == []
    assert_all_is_there()
    assert Photo.objects.get().image_sha256


def test_second_run_changes_nothing(former: Photo, then: Any) -> None:
    migration.seal_all(then, None)
    before = stored()
    migration.seal_all(then, None)
    assert stored() == before


@pytest.mark.parametrize("steps", [0, 5, 12, 18])
def test_interrupted_migration_goes_on(former: Photo, then: Any, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left, change = iter(range(steps)), convert.seal_value

    def change_some(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return change(*arguments)

    monkeypatch.setattr(migration, "seal_value", change_some)
    with pytest.raises(KeyboardInterrupt):
        migration.seal_all(then, None)
    monkeypatch.undo()
    migration.seal_all(then, None)
    assert_all_is_there()


def test_file_that_was_sealed_right_before_a_crash_gets_its_hash(former: Photo, then: Any) -> None:
    migration.seal_all(then, None)
    Photo.objects.update(image_sha256="")
    migration.seal_all(then, None)
    assert Photo.objects.get().image_sha256
    assert_all_is_there()


def test_what_no_key_opens_stays_as_it_is(
    former: Photo, then: Any, caplog: pytest.LogCaptureFixture, ines: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(former.image.storage.path(str(former.image.name)))
    foreign = Fernet(Fernet.generate_key()).encrypt(b"lost")
    path.write_bytes(foreign)
    migration.seal_all(then, None)
    assert path.read_bytes() == foreign
    assert "patients.Photo: 1 values open with no key" in caplog.text


def test_the_keys_of_before_are_those_of_now(former: Photo) -> None:
    """Fernet keys of before wrap the keys of patients: a clinic keeps its FIELD_KEYS."""
    assert len(field_keys()[0]) == 44
    assert fernet().decrypt(fernet().encrypt(b"x")) == b"x"


def test_migration_names_every_sealed_field() -> None:
    from encryption.fields import sealed_fields_of
    from encryption.rotation import sealed_models
    from encryption.sealing import sealing_of

    def described(model: Any) -> Table:
        sealing = sealing_of(model)
        files = tuple((each.name, each.hash_field) for each in model._meta.fields if hasattr(each, "hash_field"))
        owner = sealing.owner.replace(".", "__")
        fields = sealed_fields_of(model)
        pictures = tuple(each.name for each in fields if each.of_picture)
        return Table(model._meta.label, owner, tuple(each.name for each in fields), sealing.row, files, pictures)

    assert {table.model: table for table in migration.TABLES} == {model._meta.label: described(model) for model in sealed_models()}
