"""The demo clinic: six rendered patients with their stories, taken in the way a clinician's photos are."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.utils import timezone

from demo.clinic import PendingDemo, cohort, make_patients, take_in_photos, withdraw
from inference.models import Prediction
from patients.models import Consent, ErasureRequest, Event, Patient, Photo, SelfReport, User, Visit


@pytest.fixture(autouse=True)
def own_folder(settings: LazySettings, tmp_path: object) -> None:
    settings.VAR = tmp_path


@pytest.fixture
def newest(settings: LazySettings, ada: User) -> PendingDemo:
    """Return what is to follow when each patient has but the newest visit."""
    settings.DEMO_VISITS = 1
    return make_patients(ada)


def test_every_patient_has_a_story_of_eighteen_months(ada: User) -> None:
    make_patients(ada)
    today = timezone.localdate()
    assert Patient.objects.visible_to(ada).count() == 6
    for patient in Patient.objects.all():
        assert 8 <= patient.visits.count() <= 14
        assert patient.events.exists()
        assert patient.has_consent(Consent.Purpose.CARE)
        first = patient.visits.earliest("date")
        assert today - timedelta(days=560) <= first.date <= today - timedelta(days=450)
    assert Visit.objects.latest("date").date == today
    assert SelfReport.objects.count() == Visit.objects.count()
    assert {event.kind for event in Event.objects.all()} == {"medication", "therapy", "admission", "life_event", "note"}


def test_every_visit_has_three_photos_or_more() -> None:
    counts = [len(visit["photos"]) for patient in cohort() for visit in patient["visits"]]
    assert min(counts) >= 3
    assert max(counts) <= 6


@pytest.mark.usefixtures("sent")
def test_photos_go_the_way_of_every_upload_newest_visit_first(newest: PendingDemo, ada: User) -> None:
    visit, file = newest.photos[0]
    assert Visit.objects.get(pk=visit).date == timezone.localdate()
    few = PendingDemo(newest.photos[:2], ())
    assert list(take_in_photos(few, ada)) == [file, newest.photos[1][1]]
    assert {photo.original_name for photo in Photo.objects.filter(visit_id=visit)} == {file, newest.photos[1][1]}
    assert set(Prediction.objects.values_list("state", flat=True)) == {Prediction.State.QUEUED}


@pytest.mark.usefixtures("sent")
def test_loading_that_was_cut_short_goes_on_without_doing_anything_twice(newest: PendingDemo, ada: User) -> None:
    newest.save()
    again = PendingDemo.load()
    assert again == newest
    few = PendingDemo(newest.photos[:2], ())
    assert len(list(take_in_photos(few, ada))) == 2
    assert list(take_in_photos(few, ada)) == []
    assert Photo.objects.count() == 2


def test_one_patient_takes_the_consent_back_once_the_photos_are_read(newest: PendingDemo, ada: User) -> None:
    assert len(newest.withdrawals) == 1
    assert withdraw(newest, ada)
    patient = Patient.objects.get(pk=newest.withdrawals[0])
    assert not patient.has_consent(Consent.Purpose.CARE)
    assert ErasureRequest.objects.get(patient=patient).cause == ErasureRequest.Cause.WITHDRAWAL


@pytest.mark.usefixtures("sent")
def test_consent_is_not_taken_back_while_a_photo_waits(newest: PendingDemo, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.clinic.READ_TIMEOUT_SECONDS", 0)
    monkeypatch.setattr("demo.clinic.BUSY_SECONDS", 0)
    of_patient = [(visit, file) for visit, file in newest.photos if Visit.objects.get(pk=visit).patient_id in newest.withdrawals]
    list(take_in_photos(PendingDemo(tuple(of_patient[:1]), ()), ada))
    assert not withdraw(newest, ada)
    assert Patient.objects.get(pk=newest.withdrawals[0]).has_consent(Consent.Purpose.CARE)


@pytest.mark.django_db
def test_clinic_without_demo_takes_no_made_up_patients(settings: LazySettings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is off"):
        call_command("load_demo")
    assert not Patient.objects.exists()
