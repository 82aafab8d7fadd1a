"""What a photo must pass before it is taken in: CHECKS, one after the other, until one refuses it.

A new check is a function in CHECKS, and a row in patients/photos/codes.py and in docs/upload-codes.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from encryption.fields import keyed_hash
from ml.decode.rebuild import RebuiltPhoto
from patients.models import Consent, Photo, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.decoding import announced_format, rebuild_apart


@dataclass
class Arrival:
    """A file on its way into a visit."""

    visit: Visit
    upload: UploadedFile[bytes]
    user: User
    keep_duplicate: bool = False
    format: str = field(init=False)
    """What the first bytes say, from `is_a_picture` on."""
    rebuilt: RebuiltPhoto = field(init=False)
    """The picture, from `can_be_opened` on: checks of its pixels come after that one."""

    @cached_property
    def source(self) -> bytes:
        """The bytes of the file, read when a check first asks for them."""
        return bytes(self.upload.read())

    @cached_property
    def fingerprint(self) -> str:
        """What tells the same file again."""
        return keyed_hash(self.source)


def has_consent(arrival: Arrival) -> None:
    """Refuse a photo of a patient who has not consented to photos in their care."""
    if not arrival.visit.patient.has_consent(Consent.Purpose.CARE):
        raise RejectedPhoto("no_consent")


def is_small_enough(arrival: Arrival) -> None:
    """Refuse a file that is too large, without reading it."""
    if arrival.upload.size is not None and arrival.upload.size > settings.PHOTO_MAX_BYTES:
        raise RejectedPhoto("too_large", bytes=arrival.upload.size, max_bytes=settings.PHOTO_MAX_BYTES)


def visit_has_room(arrival: Arrival) -> None:
    """Refuse one photo more than a visit can hold."""
    refuse_full(arrival.visit)


def refuse_full(visit: Visit) -> None:
    """Raise RejectedPhoto when the visit holds as many photos as it can."""
    if visit.photos.count() >= settings.PHOTOS_PER_VISIT:
        raise RejectedPhoto("visit_full", most=settings.PHOTOS_PER_VISIT)


def day_has_room(arrival: Arrival) -> None:
    """Refuse one photo more than one person can add in 24 hours."""
    today = Photo.objects.filter(uploaded_by=arrival.user, uploaded_at__gt=timezone.now() - timedelta(days=1))
    if today.count() >= settings.PHOTOS_PER_USER_AND_DAY:
        raise RejectedPhoto("day_full", most=settings.PHOTOS_PER_USER_AND_DAY)


def is_a_picture(arrival: Arrival) -> None:
    """Refuse what is empty, of a format that we do not open, or of another format than its name says."""
    arrival.format = announced_format(arrival.source, arrival.upload.name or "")


def is_new(arrival: Arrival) -> None:
    """Refuse the very same file in the same visit, and in another visit of the patient unless both are to be kept."""
    same = Photo.objects.filter(visit__patient_id=arrival.visit.patient_id, fingerprint=arrival.fingerprint).select_related("visit")
    for photo in same:
        if photo.visit_id == arrival.visit.id:
            raise RejectedPhoto("duplicate_in_visit", photo=str(photo.id))
    if same and not arrival.keep_duplicate:
        raise RejectedPhoto("duplicate_in_patient", photo=str(same[0].id), date=same[0].visit.date.isoformat())


def can_be_opened(arrival: Arrival) -> None:
    """Refuse what the decoder, a process of its own, cannot make a picture of."""
    arrival.rebuilt = rebuild_apart(arrival.source, arrival.format)


Check = Callable[[Arrival], None]
"""Returns when the photo passes, else raises RejectedPhoto."""

# What costs little comes first: opening a file takes up to seconds.
CHECKS: tuple[Check, ...] = (
    has_consent,
    is_small_enough,
    visit_has_room,
    day_has_room,
    is_a_picture,
    is_new,
    can_be_opened,
)


def check(arrival: Arrival) -> None:
    """Run every check in order. Raises RejectedPhoto at the first that refuses the photo; then `rebuilt` is not there."""
    for each in CHECKS:
        each(arrival)
