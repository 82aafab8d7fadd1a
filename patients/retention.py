"""Erases pictures whose time is up: each purpose keeps them for a number of days that the clinic sets."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from patients.access import record_access
from patients.erasure import erase_pictures, forget_freed_pages
from patients.models import AccessLog, Draft, Patient, Photo
from patients.models.photo import PhotoQuerySet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """The pictures of one patient whose time is up."""

    patient: Patient
    photos: PhotoQuerySet


def keep_days(purposes: list[str]) -> int | None:
    """Return for how many days pictures are kept for `purposes` together: the longest decides. None: without an end.

    A purpose of 0 days keeps them without an end. No purpose at all is a withdrawal, which has an erasure of its own.
    """
    days = [settings.RETENTION_DAYS[purpose] for purpose in purposes]
    return None if not days or 0 in days else max(days)


def expired_pictures() -> Iterator[Expired]:
    """Yield the patients who have pictures whose time is up, counted from the day of the visit."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    for patient in Patient.objects.prefetch_related("consents").iterator(chunk_size=500):
        days = keep_days([consent.purpose for consent in patient.consents.all() if consent.withdrawn_at is None])
        if days is None:
            continue
        photos = Photo.objects.filter(visit__patient=patient, visit__date__lt=today - timedelta(days=days)).exclude(image="")
        if photos.exists():
            yield Expired(patient, photos)


def apply_retention() -> int:
    """Erase the pictures whose time is up, with a line in the access log for each patient. Return how many photos had any."""
    total = 0
    for expired in list(expired_pictures()):
        count = erase_pictures(expired.photos)
        record_access(None, AccessLog.Action.ERASED, expired.patient, level="images", cause="retention", photos=count)
        total += count
    Draft.forget_old()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    forget_freed_pages()
    return total


@shared_task
def retain() -> None:
    """Apply retention. Runs once a day."""
    log.info("Retention erased the pictures of %d photos", apply_retention())
