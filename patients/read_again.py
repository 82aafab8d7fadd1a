"""How the current model reads photos again, one or all that an older model read. No old result is overwritten."""

from django.db import transaction
from django.db.models import F

from inference.dispatch import current_model_version, request_again, request_prediction
from inference.models import Prediction
from patients.models import Patient, Photo
from patients.models.consent import Consent
from patients.models.photo import PhotoQuerySet


def outdated_photos(patient: Patient) -> PhotoQuerySet:
    """Return the photos that another model than the current one read last; none when no model is installed.

    Photos whose picture was erased cannot be read again, and those on their way will be read by the current model anyway.
    """
    version = current_model_version()
    if not version:
        return Photo.objects.none()
    photos = Photo.objects.with_newest().filter(visit__patient=patient, predictions__id=F("newest_prediction_id"))
    outdated = photos.exclude(predictions__model_version=version).exclude(predictions__state__in=Prediction.UNFINISHED)
    return outdated.exclude(image="")


def read_again(patient: Patient) -> int:
    """Hand the outdated photos of `patient` to the current model and return how many; none without consent to care.

    A face that a clinician chose stays chosen.
    """
    if not patient.has_consent(Consent.Purpose.CARE):
        return 0
    with transaction.atomic():
        photos = list(outdated_photos(patient).with_predictions())
        for photo in photos:
            _ask_current_model(photo, photo.prediction.wanted_box if photo.prediction else None)
    return len(photos)


def read_once_more(photo: Photo, face: int | None = None) -> bool:
    """Have one photo read by the current model, face number `face` of its newest reading if given.

    What an older model said stays as it is, and a failure that was put aside asks for attention again: the new answer is news.
    Return False when the photo is being read already, or may not be read. Raises IndexError for a face that is not there.
    """
    is_asked = _read_once_more(photo, face)
    if is_asked and photo.dismissed_at:
        photo.bring_back()
    return is_asked


def _read_once_more(photo: Photo, face: int | None) -> bool:
    newest, version = photo.prediction, current_model_version()
    if newest is not None and (newest.model_version in ("", version) or not version or not newest.is_final):
        return request_again(newest, face)
    if not photo.may_be_read:
        return False
    box = newest.wanted_box if newest is not None and face is None else None
    if newest is not None and face is not None:
        box = newest.faces[face]["box"]
    with transaction.atomic():
        _ask_current_model(photo, box)
    return True


def _ask_current_model(photo: Photo, box: dict[str, float] | None) -> None:
    asked = request_prediction(photo)
    Prediction.objects.filter(pk=asked.pk).update(wanted_box=box)
