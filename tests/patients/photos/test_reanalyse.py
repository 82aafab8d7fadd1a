"""Photos that another model read are read again by the current one; nothing that was read is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from inference.dispatch import current_model_version
from inference.health import HEARTBEAT
from inference.models import Prediction
from patients.models import Patient, Photo, Visit
from patients.models.consent import Consent
from patients.photos.reanalyse import outdated_photos, reanalyse, reanalyse_outdated
from patients.timeline.page import timeline
from tests.factories import make_photo, make_prediction

pytestmark = pytest.mark.django_db
State = Prediction.State
BEFORE = timezone.now() - timedelta(days=9)


def read_by(visit: Visit, version: str, **fields: Any) -> Prediction:
    return make_prediction(make_photo(visit), model_version=version, requested_at=BEFORE, **fields)


def keys(rows: list[Model]) -> set[object]:
    return {row.pk for row in rows}


def test_a_dismissed_failure_asks_for_attention_when_it_is_read_again(visit: Visit) -> None:
    refused = read_by(visit, current_model_version(), state=State.REJECTED, reason="too_dark")
    refused.photo.dismiss()
    assert reanalyse(refused.photo)
    refused.photo.refresh_from_db()
    assert refused.photo.dismissed_at is None


def test_only_photos_of_another_model_are_outdated(visit: Visit, ines: Patient) -> None:
    old = read_by(visit, "0.0.0-old")
    refused = read_by(visit, "0.0.0-old", state=State.REJECTED, reason="too_blurred")
    read_by(visit, current_model_version())
    read_by(visit, "0.0.0-old", state=State.QUEUED)
    assert {photo.pk for photo in outdated_photos(ines)} == {old.photo_id, refused.photo_id}
    assert timeline(ines).outdated == 2


def test_photo_that_the_current_model_read_since_is_up_to_date(visit: Visit, ines: Patient) -> None:
    old = read_by(visit, "0.0.0-old")
    make_prediction(old.photo, model_version=current_model_version())
    assert not outdated_photos(ines).exists()


def test_they_are_queued_and_the_old_result_stays(
    visit: Visit, ines: Patient, sent: list[str], django_capture_on_commit_callbacks: object
) -> None:
    old = read_by(visit, "0.0.0-old")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a context manager of pytest-django
        assert reanalyse_outdated(ines) == 1
    new = Prediction.objects.get(model_version=current_model_version())
    assert (new.photo_id, new.state) == (old.photo_id, State.QUEUED)
    assert sent == [str(new.pk)]
    old.refresh_from_db()
    assert (old.state, old.happy) == (State.DONE, 0.6)
    assert reanalyse_outdated(ines) == 0  # once is enough


def test_the_chosen_face_stays_chosen(visit: Visit, ines: Patient, sent: list[str]) -> None:
    box = {"left": 1, "top": 2, "width": 3, "height": 4}
    read_by(visit, "0.0.0-old", wanted_box=box)
    reanalyse_outdated(ines)
    assert Prediction.objects.get(model_version=current_model_version()).wanted_box == box


def test_without_consent_or_picture_nothing_is_read(visit: Visit, ines: Patient, sent: list[str]) -> None:
    erased = read_by(visit, "0.0.0-old").photo
    erased.image = ""
    erased.save()
    assert reanalyse_outdated(ines) == 0
    read_by(visit, "0.0.0-old")
    Consent.objects.filter(patient=ines).delete()
    assert reanalyse_outdated(ines) == 0
    assert not Prediction.objects.filter(model_version=current_model_version()).exists()


def test_button_stands_on_the_page_and_does_it(client: Client, visit: Visit, ines: Patient, sent: list[str]) -> None:
    client.force_login(visit.created_by)
    read_by(visit, "0.0.0-old")
    assert f"Re-analyse with model {current_model_version()}" in client.get(f"/patients/{ines.pk}/").content.decode()
    page = client.post(f"/patients/{ines.pk}/read-again/", follow=True).content.decode()
    assert "1 photo is being re-analysed." in page
    assert "Re-analyse with model" not in page


def test_one_photo_is_read_by_the_current_model_and_the_old_result_stays(visit: Visit, sent: list[str]) -> None:
    old = read_by(visit, "0.0.0-old")
    assert reanalyse(old.photo)
    old.refresh_from_db()
    assert (old.state, old.happy) == (State.DONE, 0.6)
    assert old.photo.predictions.get(model_version=current_model_version()).state == State.QUEUED


def test_a_face_chosen_on_an_older_reading_is_read_by_the_current_model(visit: Visit, sent: list[str]) -> None:
    box = {"left": 40, "top": 6, "width": 12, "height": 14}
    faces = [{"box": {"left": 5, "top": 6, "width": 12, "height": 14}}, {"box": box}]
    old = read_by(visit, "0.0.0-old", state=State.CHOOSE_FACE, faces=faces)
    assert reanalyse(old.photo, face=1)
    old.refresh_from_db()
    assert old.state == State.CHOOSE_FACE
    assert old.photo.predictions.get(model_version=current_model_version()).wanted_box == box


def test_a_reading_of_the_current_model_is_made_anew(visit: Visit, sent: list[str]) -> None:
    photo = read_by(visit, current_model_version()).photo
    assert reanalyse(photo)
    assert photo.predictions.get().state == State.QUEUED
    assert not reanalyse(Photo.objects.get(pk=photo.pk))  # on its way already


def test_without_consent_one_photo_is_not_read_either(visit: Visit, sent: list[str]) -> None:
    old = read_by(visit, "0.0.0-old")
    Consent.objects.filter(patient=visit.patient).delete()
    assert not reanalyse(old.photo)
    assert old.photo.predictions.count() == 1


def test_after_a_change_back_the_newest_reading_decides(visit: Visit, ines: Patient, sent: list[str]) -> None:
    box = {"left": 1, "top": 2, "width": 3, "height": 4}
    before = read_by(visit, current_model_version())
    newer = make_prediction(before.photo, model_version="9.9.9", wanted_box=box, requested_at=BEFORE + timedelta(days=1))
    assert reanalyse_outdated(ines) == 1
    before.refresh_from_db()
    assert (before.state, before.wanted_box) == (State.QUEUED, box)
    assert Photo.objects.get().prediction == before
    newer.refresh_from_db()
    assert newer.state == State.DONE


def test_after_a_change_back_one_photo_is_read_once_more(
    visit: Visit, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    before = read_by(visit, current_model_version())
    make_prediction(before.photo, model_version="9.9.9", requested_at=BEFORE + timedelta(days=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert reanalyse(before.photo)
    assert sent == [str(before.pk)]


def test_what_the_workers_have_loaded_is_asked_for(visit: Visit, ines: Patient, sent: list[str]) -> None:
    """During an update the new model lies there already, and the workers still have the old one."""
    old = read_by(visit, "0.0.0-old")
    cache.set(HEARTBEAT, {"at": timezone.now().isoformat(), "model": "0.0.0-old"})
    assert not outdated_photos(ines).exists()
    assert reanalyse(old.photo)
    assert old.photo.predictions.get().state == State.QUEUED


def test_old_photos_wait_behind_fresh_ones(
    visit: Visit, ines: Patient, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    queues: list[str] = []
    monkeypatch.setattr("inference.tasks.predict.apply_async", lambda arguments, queue: queues.append(queue))
    read_by(visit, "0.0.0-old")
    with django_capture_on_commit_callbacks(execute=True):
        reanalyse_outdated(ines)
    assert queues == ["again"]
