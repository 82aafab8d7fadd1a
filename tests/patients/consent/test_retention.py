"""Retention: the longest period counts, days count from the visit, and a dry run erases nothing."""

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from patients.consent import retention
from patients.consent.erasure import erase_picture
from patients.consent.retention import retention_days
from patients.models import AccessLog, Draft, Patient, Photo, User
from patients.photos.files import MOST_ORPHANS, delete_orphans
from tests.factories import make_patient, make_photo, make_prediction, make_visit

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def thirty_days(settings: Any) -> Any:
    settings.RETENTION_DAYS = {"care": 30, "research": 90, "teaching": 0}
    with time_machine.travel("2026-11-22 12:00Z"):
        yield


@pytest.mark.parametrize(
    ("purposes", "days"),
    [(["care"], 30), (["research"], 90), (["care", "research"], 90), (["care", "teaching"], None), ([], None)],
)
def test_longest_purpose_decides_and_zero_is_without_end(purposes: list[str], days: int | None) -> None:
    assert retention_days(purposes) == days


def with_photo(ada: User, days_ago: int, *purposes: str) -> Patient:
    patient = make_patient(ada, consents=purposes)
    make_prediction(make_photo(make_visit(patient, TODAY - timedelta(days=days_ago))))
    return patient


def kept(patient: Patient) -> bool:
    return not Photo.objects.get(visit__patient=patient).is_erased


@pytest.mark.django_db
def test_pictures_go_the_day_after_their_last_and_numbers_stay(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    last_day, over = with_photo(ada, 30, "care"), with_photo(ada, 31, "care")
    research, teaching = with_photo(ada, 31, "care", "research"), with_photo(ada, 4000, "teaching")
    call_command("apply_retention")
    assert capsys.readouterr().out == "1 photos erased\n"
    assert [kept(patient) for patient in (last_day, over, research, teaching)] == [True, False, True, True]
    assert Photo.objects.get(visit__patient=over).predictions.get().happy == 0.6
    entry = AccessLog.objects.get()
    assert (entry.action, entry.actor, entry.detail) == ("erased", None, {"level": "images", "cause": "retention", "photos": 1})
    call_command("apply_retention")
    assert AccessLog.objects.count() == 1


@pytest.mark.django_db
def test_dry_run_names_ids_and_erases_nothing(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    patient = with_photo(ada, 31, "care")
    call_command("apply_retention", dry_run=True)
    assert capsys.readouterr().out == f"{patient.pk}: 1 photos\n1 photos would be erased\n"
    assert kept(patient)


@pytest.mark.django_db
def test_what_one_task_does_not_manage_the_next_goes_on_with(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = with_photo(ada, 31, "care"), with_photo(ada, 31, "care")
    make_photo(first.visits.get())
    further: list[str] = []
    monkeypatch.setattr(retention, "PORTION_SECONDS", -1)  # one photo
    monkeypatch.setattr(retention.retain, "delay", lambda: further.append("retain"))
    for left in (2, 1, 0, 0):
        retention.retain()
        assert Photo.objects.exclude(image="").count() == left
    assert further == ["retain"] * 3
    counts = {patient: sum(entry.detail["photos"] for entry in AccessLog.objects.about(patient)) for patient in (first, second)}
    assert counts == {first: 2, second: 1}


@pytest.mark.django_db
def test_consent_that_is_given_meanwhile_ends_the_round(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = with_photo(ada, 31, "care")
    make_photo(patient.visits.get())

    def erased(photo: Photo) -> None:
        erase_picture(photo)
        patient.consents.create(purpose="teaching", recorded_by=ada, given_on=TODAY, text_version="1", method="paper")

    monkeypatch.setattr(retention, "erase_picture", erased)
    retention.apply_retention()
    assert Photo.objects.exclude(image="").count() == 1


@pytest.mark.django_db
def test_time_limit_in_the_middle_leaves_no_erased_picture_unlogged(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = with_photo(ada, 31, "care")
    make_photo(patient.visits.get())
    Draft.keep(ada, "/patients/new/", {"name": "Ines"}, None)
    Draft.objects.update(saved_at=timezone.now() - timedelta(days=2))
    calls = []

    def limited(photo: Photo) -> None:
        calls.append(photo)
        if len(calls) == 2:
            raise SoftTimeLimitExceeded
        erase_picture(photo)

    monkeypatch.setattr(retention, "erase_picture", limited)
    with pytest.raises(SoftTimeLimitExceeded):
        retention.retain()
    assert AccessLog.objects.get().detail == {"level": "images", "cause": "retention", "photos": 1}
    assert not Draft.objects.exists()


def test_file_that_no_photo_leads_to_is_deleted(ada: User) -> None:
    patient = with_photo(ada, 1, "care")
    photo = Photo.objects.get(visit__patient=patient)
    storage = photo.image.storage
    names = ("ab/" + "a" * 32, "cd/" + "c" * 32)
    left, fresh = (storage.save(name, ContentFile(b"of a process that was killed")) for name in names)
    (Path(storage.path("")) / "lost+found").mkdir()
    foreign = storage.save("lost+found/marker", ContentFile(b"not ours"))
    long_ago = (timezone.now() - timedelta(hours=2)).timestamp()
    for name in (left, foreign, str(photo.image.name)):
        os.utime(storage.path(name), (long_ago, long_ago))
    now = timezone.now().timestamp()
    os.utime(storage.path(fresh), (now, now))
    assert delete_orphans() == 1
    assert storage.exists(foreign)
    assert [storage.exists(name) for name in (left, fresh, str(photo.image.name), str(photo.preview.name))] == [
        False,
        True,
        True,
        True,
    ]


def test_files_of_another_database_are_left_alone(ada: User) -> None:
    photo = Photo.objects.get(visit__patient=with_photo(ada, 1, "care"))
    storage, long_ago = photo.image.storage, (timezone.now() - timedelta(hours=2)).timestamp()
    names = [storage.save(f"ab/{number:032x}", ContentFile(b"x")) for number in range(MOST_ORPHANS + 1)]
    for name in names:
        os.utime(storage.path(name), (long_ago, long_ago))
    assert delete_orphans() == 0
    for name in names[1:]:
        storage.delete(name)
    Photo.objects.update(image="", preview="")  # as in a database that is empty
    assert delete_orphans() == 0
    assert storage.exists(names[0])
