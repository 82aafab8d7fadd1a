"""Takes one uploaded file in: cheap checks, rebuilt apart, stored encrypted, handed to a worker after commit."""

import contextlib
import logging
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import keyed_hash
from inference.dispatch import request_prediction
from ml.decode.rebuild import RebuiltPhoto, RejectedPhoto, check_outside
from patients.audit.log import Actor, record_access
from patients.formats import day
from patients.models import AccessLog, Consent, PhonePairing, Photo, User, Visit
from patients.photos.decoding import rebuild_apart

log = logging.getLogger(__name__)

MESSAGES = {
    "no_consent": _(
        "The patient has not consented to photos in their care. Record the consent on the patient's page, then add the photo."
    ),
    "empty": _("The file is empty. Take or export the photo again."),
    "too_large": _("The file is larger than %(max_megabytes)s MB. Send a smaller version."),
    "unsupported_format": _("This is not a JPEG, PNG, WebP or HEIC picture."),
    "extension_mismatch": _("The file is named .%(extension)s but holds %(format)s. Rename it or export it again."),
    "unreadable": _("The picture is damaged and cannot be opened. Take or export it again."),
    "too_many_pixels": _("The picture has %(width)s × %(height)s pixels; at most %(max_megapixels)s megapixels can be taken in."),
    "too_many_scans": _("The picture is stored in a way that takes too long to open. Export it again as JPEG."),
    "animated": _("The picture is animated. Send a single photo."),
    "duplicate_in_visit": _("This photo is already in this visit; no second copy was made."),
    "duplicate_in_patient": _("This photo is already in the visit of %(date)s. Keep it here as well, or skip it."),
    "visit_full": _("This visit already has %(most)s photos, the most it can hold."),
    "day_full": _(
        "You have added %(most)s photos since yesterday, the most one person can. Go on tomorrow, or ask an administrator."
    ),
    "visit_gone": _("This visit was deleted meanwhile."),
    "decoder_crashed": _("The picture could not be opened safely. Export it again as JPEG."),
    "decoder_timeout": _("Opening the picture took too long. Export it again as JPEG."),
    "not_stored": _(
        "The photo could not be stored: the disk is full, or its folder cannot be written to. Keep the photo, and tell your "
        "administrator."
    ),
    "busy": _("Too many photos arrive at once. Try this one again in a moment."),
}
"""What a person reads for each code: what happened and what they can do."""


EARLIEST_YEAR = 1900  # photos were scanned, but hardly of patients who were photographed before


def message_for(rejected: RejectedPhoto) -> str:
    """Return the sentence for a refused file."""
    detail = dict(rejected.detail)
    if "date" in detail:
        detail["date"] = day(date.fromisoformat(str(detail["date"])))
    detail["max_megabytes"] = settings.PHOTO_MAX_BYTES // 1_000_000
    detail["max_megapixels"] = settings.PHOTO_MAX_PIXELS // 1_000_000
    return str(MESSAGES[rejected.code]) % detail


def _check_duplicates(visit: Visit, fingerprint: str, keep_duplicate: bool) -> None:
    same = Photo.objects.filter(visit__patient_id=visit.patient_id, fingerprint=fingerprint).select_related("visit")
    for photo in same:
        if photo.visit_id == visit.id:
            raise RejectedPhoto("duplicate_in_visit", photo=str(photo.id))
    if same and not keep_duplicate:
        raise RejectedPhoto("duplicate_in_patient", photo=str(same[0].id), date=same[0].visit.date.isoformat())


def _check_room(visit: Visit) -> None:
    if visit.photos.count() >= settings.PHOTOS_PER_VISIT:
        raise RejectedPhoto("visit_full", most=settings.PHOTOS_PER_VISIT)


def _moment(taken_at: datetime | None) -> datetime | None:
    """Return the camera's clock as a moment in the clinic's zone; None when it lies in the future, or before there were cameras.

    Some programs write the year 1 where they know none: in zones east of Greenwich a database can store it and not read it again.
    """
    if taken_at is None or taken_at.year < EARLIEST_YEAR:
        return None
    moment = timezone.make_aware(taken_at, timezone.get_default_timezone())
    return moment if moment <= timezone.now() else None


def _hold_consent(photo: Photo) -> None:
    """Return while the consent to care is in force; a withdrawal and other photos wait until our transaction ends, and find ours.

    Opening a file takes seconds: the patient may have taken the consent back meanwhile, or the visit may be gone. Then raises
    RejectedPhoto.
    """
    active = Consent.objects.active().filter(patient__visits=photo.visit_id, purpose=Consent.Purpose.CARE)
    if active.select_for_update(of=("self",)).first() is None:
        raise RejectedPhoto("no_consent" if Visit.objects.filter(pk=photo.visit_id).exists() else "visit_gone")


def _store(photo: Photo, rebuilt: RebuiltPhoto, who: Actor) -> Photo:
    """Return the photo saved with its pictures and its prediction requested. Files whose row fails are taken away again."""
    photo.width, photo.height, photo.taken_at = rebuilt.width, rebuilt.height, _moment(rebuilt.taken_at)
    try:
        _write(photo, rebuilt)
        with transaction.atomic():
            _hold_consent(photo)
            _check_room(photo.visit)  # once more: other files may have come in while this one was opened
            photo.save(force_insert=True)
            request_prediction(photo)
            if photo.phone_pairing is None:
                record_access(who, AccessLog.Action.UPLOAD, obj=photo)
            else:
                record_access(who, AccessLog.Action.UPLOAD, obj=photo, phone_pairing=str(photo.phone_pairing.pk))
    except BaseException:
        _take_back(photo)
        raise
    return photo


def _take_back(photo: Photo) -> None:
    """Delete the files of a photo whose row failed. Where that cannot be said they stay: files of no photo go after a day."""
    with contextlib.suppress(DatabaseError, InterfaceError):
        if Photo.objects.filter(pk=photo.pk).exists():  # it is there: only the answer to our commit was lost
            return
        for field in (photo.image, photo.preview):
            if field.name:
                with contextlib.suppress(OSError):  # the folder may have become read-only; what failed first is told
                    field.storage.delete(field.name)


def _write(photo: Photo, rebuilt: RebuiltPhoto) -> None:
    """Write the pictures. Raises RejectedPhoto when the disk is full or the folder cannot be written to."""
    try:
        photo.image.save("image", ContentFile(rebuilt.image), save=False)
        photo.preview.save("preview", ContentFile(rebuilt.preview), save=False)
    except OSError as error:
        log.error("A photo of visit %s could not be stored: %s", photo.visit_id, error.strerror or type(error).__name__)
        raise RejectedPhoto("not_stored") from None


def receive_photo(
    visit: Visit,
    upload: UploadedFile[bytes],
    user: User,
    keep_duplicate: bool = False,
    phone_pairing: PhonePairing | None = None,
    who: Actor = None,
) -> Photo:
    """Return the stored photo; a worker is asked to read it after commit. `phone_pairing` names the phone that sent it.

    The original bytes are never stored. `who` is the request, where there is one, for the access log. Raises RejectedPhoto with
    a code of MESSAGES; then nothing is kept.
    """
    if not visit.patient.has_consent(Consent.Purpose.CARE):
        raise RejectedPhoto("no_consent")
    if upload.size is not None and upload.size > settings.PHOTO_MAX_BYTES:
        raise RejectedPhoto("too_large", bytes=upload.size, max_bytes=settings.PHOTO_MAX_BYTES)
    _check_room(visit)
    today = Photo.objects.filter(uploaded_by=user, uploaded_at__gt=timezone.now() - timedelta(days=1))
    if today.count() >= settings.PHOTOS_PER_USER_AND_DAY:
        raise RejectedPhoto("day_full", most=settings.PHOTOS_PER_USER_AND_DAY)
    source = upload.read()
    kind = check_outside(source, upload.name or "", settings.PHOTO_MAX_BYTES)
    fingerprint = keyed_hash(source)
    _check_duplicates(visit, fingerprint, keep_duplicate)
    name = (upload.name or "")[:255]
    photo = Photo(visit=visit, original_name=name, fingerprint=fingerprint, uploaded_by=user, phone_pairing=phone_pairing)
    rebuilt = rebuild_apart(source, kind)
    try:
        return _store(photo, rebuilt, who or user)
    except IntegrityError:
        if not Visit.objects.filter(pk=visit.pk).exists():
            raise RejectedPhoto("visit_gone") from None
        raise RejectedPhoto("duplicate_in_visit") from None  # the same file arrived twice at the same time
    except OperationalError as error:  # another process holds the database for longer than we wait
        log.error("A photo of visit %s could not be recorded: %s", visit.pk, type(error).__name__)
        raise RejectedPhoto("busy") from None
