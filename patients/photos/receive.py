"""Takes one uploaded file in: checked, rebuilt apart, stored encrypted, handed to a worker after commit."""

import contextlib
import logging
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from inference.dispatch import request_prediction
from ml.decode.rebuild import RebuiltPhoto
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Consent, PhonePairing, Photo, User, Visit
from patients.photos.checks import Arrival, check, refuse_full
from patients.photos.codes import RejectedPhoto

log = logging.getLogger(__name__)

EARLIEST_YEAR = 1900  # photos were scanned, but hardly of patients who were photographed before


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
            refuse_full(photo.visit)  # once more: other files may have come in while this one was opened
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
    a code of CODES; then nothing is kept.
    """
    arrival = Arrival(visit, upload, user, keep_duplicate)
    check(arrival)
    photo = Photo(
        visit=visit,
        original_name=(upload.name or "")[:255],
        fingerprint=arrival.fingerprint,
        uploaded_by=user,
        phone_pairing=phone_pairing,
    )
    try:
        return _store(photo, arrival.rebuilt, who or user)
    except IntegrityError:
        if not Visit.objects.filter(pk=visit.pk).exists():
            raise RejectedPhoto("visit_gone") from None
        raise RejectedPhoto("duplicate_in_visit") from None  # the same file arrived twice at the same time
    except OperationalError as error:  # another process holds the database for longer than we wait
        log.error("A photo of visit %s could not be recorded: %s", visit.pk, type(error).__name__)
        raise RejectedPhoto("busy") from None
