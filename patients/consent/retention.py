"""Erases pictures whose time is up: each purpose keeps them for a number of days that the clinic sets."""

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from patients.audit.log import record_access
from patients.consent.erasure import PORTION_SECONDS, erase_picture, forget_freed_pages, still_theirs
from patients.formats import clinic_today
from patients.models import AccessLog, Draft, Patient, Photo
from patients.models.photo import PhotoQuerySet
from patients.photos.files import forget_orphans

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """The pictures of one patient whose time is up."""

    patient: Patient
    photos: PhotoQuerySet
    days: int


def keep_days(purposes: list[str]) -> int | None:
    """Return for how many days pictures are kept for `purposes` together: the longest decides. None: without an end.

    A purpose of 0 days keeps them without an end. No purpose at all is a withdrawal, which has an erasure of its own.
    """
    days = [settings.RETENTION_DAYS[purpose] for purpose in purposes]
    return None if not days or 0 in days else max(days)


def expired_pictures() -> Iterator[Expired]:
    """Yield the patients who have pictures whose time is up, counted from the day of the visit."""
    today = clinic_today()
    for patient in Patient.objects.prefetch_related("consents").iterator(chunk_size=500):
        days = keep_days([consent.purpose for consent in patient.consents.all() if consent.withdrawn_at is None])
        if days is None:
            continue
        photos = Photo.objects.filter(visit__patient=patient, visit__date__lt=today - timedelta(days=days)).exclude(image="")
        if photos.exists():
            yield Expired(patient, photos, days)


def apply_retention(until: float = math.inf) -> int:
    """Erase the pictures whose time is up, as far as one gets before `until` (of time.monotonic, seconds).

    Return how many photos had any. Drafts and sessions that are over go first.
    """
    Draft.forget_old()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    total = 0
    for expired in list(expired_pictures()):
        total += _erase(expired, until)
        if time.monotonic() > until:
            break
    forget_freed_pages()
    return total


def _erase(expired: Expired, until: float) -> int:
    """Return how many photos of one patient had their pictures erased. However it ends, the access log says so."""
    count = 0
    try:
        for photo in still_theirs(expired.photos):
            if keep_days(list(expired.patient.consents.active().values_list("purpose", flat=True))) != expired.days:
                break  # a consent was given or taken back meanwhile: the next round reckons anew
            erase_picture(photo)
            count += 1
            if time.monotonic() > until:
                break
    finally:
        if count:
            record_access(None, AccessLog.Action.ERASED, expired.patient, level="images", cause="retention", photos=count)
    return count


@shared_task(soft_time_limit=settings.ERASE_TIME_LIMIT_SECONDS - 5, time_limit=settings.ERASE_TIME_LIMIT_SECONDS)
def retain() -> None:
    """Apply retention, a portion at a time. Begun once a day."""
    until = time.monotonic() + PORTION_SECONDS
    count = apply_retention(until)
    log.info("Retention erased the pictures of %d photos", count)
    if count and time.monotonic() > until:
        retain.delay()
    else:
        forget_orphans()
