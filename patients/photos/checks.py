"""The checks that an uploaded photo must pass: CHECKS, run in order until one refuses the photo.

A new check is a function in CHECKS, and a row in patients/photos/codes.py and in docs/upload-codes.md.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from encryption.keys import stored_hash
from ml.decode.rebuild import RebuiltPhoto
from patients.models import Consent, Patient, Photo, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.decoding import announced_format, rebuild_apart


def sha_fingerprint(sha256: str) -> str:
    """Return the keyed hash of the SHA-256 of a file, given as hex digits."""
    return stored_hash("SHA-256 of files", b"sha256:" + sha256.encode())


@dataclass
class Arrival:
    """A file on its way into a visit."""

    visit: Visit
    upload: UploadedFile[bytes]
    user: User
    keep_duplicate: bool = False
    named: Patient | None = None
    """Another patient whom the refusal names."""
    format: str = field(init=False)
    """The format that the first bytes announce; set by `is_a_picture`."""
    rebuilt: RebuiltPhoto = field(init=False)
    """The decoded picture; set by `can_be_opened`, so checks of its pixels come later."""

    @cached_property
    def source(self) -> bytes:
        """The bytes of the file, read on first use."""
        return bytes(self.upload.read())

    @cached_property
    def fingerprint(self) -> str:
        """A keyed hash of the bytes, by which the same file is recognised."""
        return stored_hash("files", self.source)

    @property
    def sha_fingerprint(self) -> str:
        """A keyed hash of their SHA-256, by which a file is recognised that has not been sent."""
        return sha_fingerprint(hashlib.sha256(self.source).hexdigest())


def has_consent(arrival: Arrival) -> None:
    """Refuse a photo of a patient who has not consented to photos in their care."""
    if not arrival.visit.patient.has_consent(Consent.Purpose.CARE):
        raise RejectedPhoto("no_consent")


def is_small_enough(arrival: Arrival) -> None:
    """Refuse a file that is too large, without reading it."""
    if arrival.upload.size is not None and arrival.upload.size > settings.PHOTO_MAX_BYTES:
        raise RejectedPhoto("too_large", bytes=arrival.upload.size, max_bytes=settings.PHOTO_MAX_BYTES)


def visit_has_room(arrival: Arrival) -> None:
    """Refuse a photo when the visit is full."""
    refuse_full(arrival.visit)


def refuse_full(visit: Visit) -> None:
    """Raise RejectedPhoto when the visit is full."""
    if visit.photos.count() >= settings.PHOTOS_PER_VISIT:
        raise RejectedPhoto("visit_full", most=settings.PHOTOS_PER_VISIT)


def day_has_room(arrival: Arrival) -> None:
    """Refuse a photo when the user has uploaded as many as one person can in 24 hours."""
    today = Photo.objects.filter(uploaded_by=arrival.user, uploaded_at__gt=timezone.now() - timedelta(days=1))
    if today.count() >= settings.PHOTOS_PER_USER_AND_DAY:
        raise RejectedPhoto("day_full", most=settings.PHOTOS_PER_USER_AND_DAY)


def is_a_picture(arrival: Arrival) -> None:
    """Refuse what is empty, or of a format that we do not open, whatever its name says."""
    arrival.format = announced_format(arrival.source)


def is_new(arrival: Arrival) -> None:
    """Refuse a file that the visit has, or that another visit of the patient has, unless `keep_duplicate`."""
    same = Photo.objects.filter(visit__patient_id=arrival.visit.patient_id, fingerprint=arrival.fingerprint).select_related("visit")
    for photo in same:
        if photo.visit_id == arrival.visit.id:
            raise RejectedPhoto("duplicate_in_visit", photo=str(photo.id))
    if same and not arrival.keep_duplicate:
        raise RejectedPhoto("duplicate_in_patient", photo=str(same[0].id), date=same[0].visit.date.isoformat())


def is_of_this_patient(arrival: Arrival) -> None:
    """Ask back when the very same file is in a visit of another patient, whom only someone who sees them learns."""
    if arrival.keep_duplicate:
        return
    elsewhere = Photo.objects.filter(fingerprint=arrival.fingerprint).exclude(visit__patient_id=arrival.visit.patient_id)
    known = elsewhere.sought_by(arrival.user).select_related("visit__patient").first()
    if known is not None:
        visit = known.visit
        arrival.named = visit.patient
        raise RejectedPhoto("duplicate_in_other_patient", visit=str(visit.pk), name=visit.patient.name, date=visit.date.isoformat())
    if elsewhere.exists():
        raise RejectedPhoto("duplicate_in_other_patient")


def can_be_opened(arrival: Arrival) -> None:
    """Refuse a file that the decoder, a separate process, cannot open."""
    arrival.rebuilt = rebuild_apart(arrival.source, arrival.format)


Check = Callable[[Arrival], None]
"""Returns when the photo passes, else raises RejectedPhoto."""

# Cheap checks come first: opening a file can take seconds.
CHECKS: tuple[Check, ...] = (
    has_consent,
    is_small_enough,
    visit_has_room,
    day_has_room,
    is_a_picture,
    is_new,
    is_of_this_patient,
    can_be_opened,
)


def check(arrival: Arrival) -> None:
    """Run the checks in order. Raises RejectedPhoto at the first that refuses the photo; otherwise `rebuilt` is set."""
    for each in CHECKS:
        each(arrival)
