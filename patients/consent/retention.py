"""Erases pictures at the end of their retention period, which the clinic sets for each purpose."""

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
from patients.consent.erasure import PORTION_SECONDS, erase_picture, photos_to_erase, truncate_wal
from patients.models import AccessLog, Draft, Patient, Photo
from patients.models.formats import clinic_today
from patients.models.photo import PhotoQuerySet
from patients.photos.files import delete_orphans

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """The pictures of one patient whose retention period is over."""

    patient: Patient
    photos: PhotoQuerySet
    days: int


def retention_days(purposes: list[str]) -> int | None:
    """Return for how many days pictures are kept for `purposes`: the longest period counts. None means without limit.

    0 days means without limit too. No purpose at all is a withdrawal, which queues an erasure of its own.
    """
    days = [settings.RETENTION_DAYS[purpose] for purpose in purposes]
    return None if not days or 0 in days else max(days)


def expired_pictures() -> Iterator[Expired]:
    """Yield the patients with pictures whose retention period is over, counted from the date of the visit."""
    today = clinic_today()
    for patient in Patient.objects.prefetch_related("consents").iterator(chunk_size=500):
        days = retention_days([consent.purpose for consent in patient.consents.all() if consent.is_active])
        if days is None:
            continue
        photos = Photo.objects.filter(visit__patient=patient, visit__date__lt=today - timedelta(days=days)).exclude(image="")
        if photos.exists():
            yield Expired(patient, photos, days)


def apply_retention(until: float = math.inf) -> int:
    """Erase the pictures whose retention period is over, until `until` (time.monotonic, in seconds); return how many.

    Expired drafts and sessions are deleted first.
    """
    Draft.delete_expired()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    total = 0
    for expired in list(expired_pictures()):
        total += _erase(expired, until)
        if time.monotonic() > until:
            break
    truncate_wal()
    return total


def _erase(expired: Expired, until: float) -> int:
    """Erase the pictures of one patient; return how many. The access log records it even after an error."""
    count = 0
    try:
        for photo in photos_to_erase(expired.photos):
            if retention_days(list(expired.patient.consents.active().values_list("purpose", flat=True))) != expired.days:
                break  # consents changed in the meantime: the next run computes the period anew
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
    """Apply retention, ten seconds at a time. Scheduled daily."""
    until = time.monotonic() + PORTION_SECONDS
    count = apply_retention(until)
    log.info("Retention erased the pictures of %d photos", count)
    if count and time.monotonic() > until:
        retain.delay()
    else:
        delete_orphans()
