"""Receives one uploaded photo: checks it, rebuilds it in a separate process, stores it encrypted, and queues it for a worker."""

import contextlib
import logging
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from encryption.storage import SealedFieldFile, StorageDown
from inference.dispatch import request_prediction
from ml.decode.camera_clock import EARLIEST_YEAR
from ml.decode.rebuild import RebuiltPhoto
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Consent, Import, PhonePairing, Photo, User, Visit
from patients.photos.checks import Arrival, check, refuse_full
from patients.photos.codes import RejectedPhoto

log = logging.getLogger(__name__)

FAST_CLOCK = timedelta(minutes=10)
"""How far ahead of ours the clock of a camera may be."""


def _moment(taken_at: datetime | None) -> datetime | None:
    """Return when the photo was taken, by the camera: in the clinic's zone where it names none. None when that lies in the future.

    Some programs write the year 1 for an unknown one. East of Greenwich, a database can store that time but not read it.
    """
    if taken_at is None or not EARLIEST_YEAR <= taken_at.year <= timezone.now().year + 1:
        return None
    moment = timezone.make_aware(taken_at, timezone.get_default_timezone()) if taken_at.tzinfo is None else taken_at
    return moment if moment <= timezone.now() + FAST_CLOCK else None


def _hold_consent(photo: Photo) -> None:
    """Lock the active consent to care: a withdrawal and other uploads wait until our transaction ends, and then see our photo.

    Raises RejectedPhoto when the consent was withdrawn or the visit deleted while the file was being opened, which takes seconds.
    """
    active = Consent.objects.active().filter(patient__visits=photo.visit_id, purpose=Consent.Purpose.CARE)
    if active.select_for_update(of=("self",)).first() is None:
        raise RejectedPhoto("no_consent" if Visit.objects.filter(pk=photo.visit_id).exists() else "visit_gone")


def _store(photo: Photo, rebuilt: RebuiltPhoto, who: Actor) -> Photo:
    """Save the photo with its pictures, request its prediction and return it. Deletes the files when the row cannot be saved."""
    photo.width, photo.height, photo.taken_at = rebuilt.width, rebuilt.height, _moment(rebuilt.taken_at)
    try:
        _write(photo, rebuilt)
        with transaction.atomic():
            _hold_consent(photo)
            if not _has_keys(photo):
                # The pictures of the patient were erased meanwhile, and the key with them.
                _take_back(photo)
                _write(photo, rebuilt)
            refuse_full(photo.visit)  # again: other photos may have arrived while this one was opened
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


def _has_keys(photo: Photo) -> bool:
    """Whether the pictures open. Raises RejectedPhoto when the store no longer answers."""
    try:
        return all(isinstance(file, SealedFieldFile) and file.has_key() for file in (photo.image, photo.preview))
    except StorageDown as error:
        log.error("A photo of visit %s could not be stored: %s", photo.visit_id, error)
        raise RejectedPhoto("not_stored") from None


def _take_back(photo: Photo) -> None:
    """Delete the files of a photo whose row was not saved. If the database cannot say, they stay for `delete_orphans`."""
    with contextlib.suppress(DatabaseError, InterfaceError):
        # If the row exists, the commit succeeded and only its confirmation was lost.
        if Photo.objects.filter(pk=photo.pk).exists():
            return
        for field in (photo.image, photo.preview):
            if field.name:
                with contextlib.suppress(OSError):  # the folder may have become read-only; the first error is reported
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
    imported_in: Import | None = None,
) -> Photo:
    """Store the photo and return it; it is queued for a worker after commit. The original bytes are never stored.

    `phone_pairing` is that of the phone that sent it, and `imported_in` the import it is part of, if any; `who` is the request, if
    any, for the access log.
    Raises RejectedPhoto; then nothing is stored.
    """
    arrival = Arrival(visit, upload, user, keep_duplicate)
    try:
        check(arrival)
    except RejectedPhoto:
        if arrival.named and phone_pairing is None:  # a phone is not told the name
            record_access(who or user, AccessLog.Action.LIST, arrival.named)
        raise
    photo = Photo(
        visit=visit,
        original_name=(upload.name or "")[:255],
        fingerprint=arrival.fingerprint,
        sha_fingerprint=arrival.sha_fingerprint,
        imported_in=imported_in,
        uploaded_by=user,
        phone_pairing=phone_pairing,
    )
    try:
        return _store(photo, arrival.rebuilt, who or user)
    except IntegrityError:
        if not Visit.objects.filter(pk=visit.pk).exists():
            raise RejectedPhoto("visit_gone") from None
        raise RejectedPhoto("duplicate_in_visit") from None  # the same file was uploaded twice at once
    except OperationalError as error:  # another process has locked the database for longer than we wait
        log.error("A photo of visit %s could not be recorded: %s", visit.pk, type(error).__name__)
        raise RejectedPhoto("busy") from None
