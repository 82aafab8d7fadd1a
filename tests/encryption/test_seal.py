"""Sealed values are bound to their place: what is moved, swapped or changed is noticed, said, and never shown."""

import shutil
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from encryption.fields import Sealed
from encryption.seal import MAGIC, SealBroken, from_text
from encryption.watch import broken
from inference.models import Prediction
from patients.models import Event, OwnLabel, Patient, Photo, SelfReport, User, Visit
from tests.factories import make_clinician, make_patient, make_photo, make_prediction, make_visit, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(ada: User) -> Photo:
    """Return a photo of another patient of Dr Ada."""
    photo = make_photo(make_visit(make_patient(ada, name="Tom Weber"), note="Tom sleeps badly"), note="tired")
    make_prediction(photo)
    return photo


@pytest.fixture
def own(visit: Visit) -> Photo:
    """Return a photo of Ines, whose visit has a note."""
    visit.note = "Ines sleeps well"
    visit.save()
    photo = make_photo(visit, note="rested")
    make_prediction(photo)
    return photo


def raw(table: str, column: str, key: UUID) -> Any:
    """Return what the database holds in one column of one row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [key.hex if connection.vendor == "sqlite" else key])
        return cursor.fetchone()[0]


def copy_value(model: type, field: str, source: Any, target: Any) -> None:
    """Copy a sealed value from one row to another, as someone with access to the database would."""
    sealed = raw(model._meta.db_table, field, source.pk)  # type: ignore[attr-defined]
    model.objects.filter(pk=target.pk).update(**{field: Sealed(sealed)})  # type: ignore[attr-defined]


def swap(one: Path, two: Path) -> None:
    """Swap two files."""
    between = one.with_name("between")
    shutil.move(one, between)
    shutil.move(two, one)
    shutil.move(between, two)


def path_of(photo: Photo, field: str = "image") -> Path:
    file = getattr(photo, field)
    return Path(file.storage.path(file.name))


@pytest.mark.parametrize("field", ["image", "preview"])
def test_swapped_pictures_of_two_patients_are_not_shown(own: Photo, other: Photo, client: Client, ada: User, field: str) -> None:
    client.force_login(ada)
    assert client.get(f"/photos/{own.pk}/{field}/").content == picture()
    swap(path_of(own, field), path_of(other, field))
    assert [client.get(f"/photos/{photo.pk}/{field}/").status_code for photo in (own, other)] == [404, 404]
    assert {(each.code, each.place) for each in broken()} == {
        ("other_file", f"patients.Photo.{field} {photo.pk}") for photo in (own, other)
    }


def test_swapped_pictures_whose_hashes_were_swapped_too_are_not_shown(own: Photo, other: Photo) -> None:
    swap(path_of(own), path_of(other))
    Photo.objects.filter(pk=own.pk).update(image_sha256=other.image_sha256)
    with pytest.raises(SealBroken) as error:
        Photo.objects.get(pk=own.pk).image.read()
    assert error.value.code == "other_owner"


def test_picture_and_preview_of_one_photo_cannot_stand_for_each_other(own: Photo) -> None:
    Photo.objects.filter(pk=own.pk).update(image=own.preview.name, image_sha256=own.preview_sha256)
    with pytest.raises(SealBroken) as error:
        Photo.objects.get(pk=own.pk).image.read()
    assert error.value.code == "moved_or_damaged"


def test_swapped_pictures_are_not_read_by_a_worker(own: Photo, other: Photo, sent: list[str]) -> None:
    from inference.tasks import predict

    swap(path_of(own), path_of(other))
    waiting = make_prediction(own, Prediction.State.QUEUED, model_version="2")
    predict(str(waiting.pk))
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("failed", "photo_not_authentic")


def test_note_of_another_patient_is_not_shown(own: Photo, other: Photo, client: Client, ada: User) -> None:
    client.force_login(ada)
    client.raise_request_exception = False
    copy_value(Visit, "note", other.visit, own.visit)
    answer = client.get(f"/visits/{own.visit.pk}/")
    assert answer.status_code == 500
    assert "Tom sleeps badly" not in answer.content.decode()
    assert "other_owner" in answer.content.decode()
    assert [(each.code, each.place) for each in broken()] == [("other_owner", f"patients.Visit.note {own.visit.pk}")]


def test_note_of_another_visit_of_the_same_patient_is_not_read(own: Photo) -> None:
    second = make_visit(own.visit.patient, note="Another day")
    copy_value(Visit, "note", second, own.visit)
    with pytest.raises(SealBroken) as error:
        str(Visit.objects.get(pk=own.visit.pk).note)
    assert error.value.code == "moved_or_damaged"


def test_note_cannot_stand_for_the_reason_of_an_exclusion(own: Photo) -> None:
    Photo.objects.filter(pk=own.pk).update(excluded_reason=Sealed(raw("patients_photo", "note", own.pk)))
    with pytest.raises(SealBroken) as error:
        str(Photo.objects.get(pk=own.pk).excluded_reason)
    assert error.value.code == "moved_or_damaged"


def test_row_that_was_given_to_another_patient_does_not_open(own: Photo, other: Photo) -> None:
    Visit.objects.filter(pk=own.visit.pk).update(patient=other.visit.patient)
    moved = Photo.objects.get(pk=own.pk)
    for row, name in ((moved, "note"), (moved.visit, "note"), (moved.image, "file"), (moved.predictions.get(), "input_png")):
        with pytest.raises(SealBroken) as error:
            getattr(row, name)
        assert error.value.code == "other_owner"


def test_value_of_before_is_not_read_any_more(visit: Visit) -> None:
    """Someone could put an old value, bound to nothing, where they like."""
    from encryption.legacy import fernet

    Visit.objects.filter(pk=visit.pk).update(note=Sealed(fernet().encrypt(b"Not for here").decode()))
    with pytest.raises(SealBroken) as error:
        str(Visit.objects.get(pk=visit.pk).note)
    assert error.value.code == "not_sealed"


def test_changed_byte_is_noticed(own: Photo) -> None:
    path = path_of(own)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    Photo.objects.filter(pk=own.pk).update(image_sha256="")  # as if the row had been changed too
    with pytest.raises(SealBroken) as error:
        Photo.objects.get(pk=own.pk).image.read()
    assert error.value.code == "moved_or_damaged"


def test_check_tells_of_what_does_not_open_and_the_health_page_too(own: Photo, other: Photo, client: Client) -> None:
    swap(path_of(own), path_of(other))
    with pytest.raises(CommandError, match="2 values do not open where they stand"):
        call_command("check_keys", stdout=StringIO())
    client.force_login(make_clinician("Kim Roe", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    page = client.get("/health/").content.decode()
    assert "2 stored values do not belong where they stand" in page
    assert f"patients.Photo.image {own.pk}" in page
    swap(path_of(own), path_of(other))
    call_command("check_keys", stdout=StringIO())
    assert broken() == []


def test_saving_a_row_keeps_what_was_not_read(visit: Visit, own: Photo) -> None:
    before = raw("patients_visit", "note", visit.pk)
    again = Visit.objects.get(pk=visit.pk)
    again.is_baseline = True
    again.save()
    assert raw("patients_visit", "note", visit.pk) == before
    assert Visit.objects.get(pk=visit.pk).note == "Ines sleeps well"


def test_what_is_searched_for_or_written_without_its_row_is_refused(visit: Visit) -> None:
    with pytest.raises(TypeError, match="sealed by row"):
        Visit.objects.filter(note="Ines sleeps well").exists()
    with pytest.raises(TypeError, match="sealed by row"):
        Visit.objects.update(note="unsealed")


def test_scores_birth_dates_and_kinds_are_sealed(visit: Visit) -> None:
    report = SelfReport.objects.create(visit=visit, phq9=17, gad7=0)
    event = Event.objects.create(
        patient=visit.patient, kind="admission", label="Ward 3", starts_on=visit.date, created_by=visit.created_by
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT mood, phq9, gad7 FROM patients_selfreport")
        mood, phq9, gad7 = cursor.fetchone()
    assert mood is None
    held = [phq9, gad7, raw("patients_event", "kind", event.pk), raw("patients_patient", "birth_date", visit.patient.pk)]
    assert [from_text(text)[:3] for text in held] == [MAGIC] * 4
    report, event, patient = SelfReport.objects.get(), Event.objects.get(), Patient.objects.get()
    assert (report.mood, report.phq9, report.gad7, event.kind) == (None, 17, 0, "admission")
    assert patient.birth_date == visit.patient.birth_date


def test_photo_that_moves_to_another_patient_is_sealed_for_them(own: Photo, other: Photo, ada: User) -> None:
    from encryption import patient_keys
    from patients.photos.move import move_photos, move_visit

    OwnLabel.objects.create(photo=own, clinician=ada, label="sad", remark="a polite smile")
    former = own.visit.patient
    assert move_photos([own], other.visit, ada).count == 1
    second = make_visit(former, note="Goes as a whole")
    SelfReport.objects.create(visit=second, phq9=9)
    kept = make_photo(second, note="with its visit")
    make_prediction(kept)
    move_visit(second, other.visit.patient, ada)
    patient_keys.destroy(former.pk)
    for photo, note in ((own, "rested"), (kept, "with its visit")):
        photo = Photo.objects.get(pk=photo.pk)
        assert (photo.note, photo.image.read(), photo.preview.read()) == (note, picture(), picture())
        assert photo.predictions.get().input_png == picture(48, 48, "grey", "PNG", mode="L")
    assert OwnLabel.objects.get().remark == "a polite smile"
    assert (Visit.objects.get(pk=second.pk).note, SelfReport.objects.get().phq9) == ("Goes as a whole", 9)
