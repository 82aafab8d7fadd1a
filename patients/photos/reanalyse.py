"""How the current model reads photos again, one or all that an older model read. No old result is overwritten."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from inference.dispatch import hand_over, loaded_model_version, request_again
from inference.models import Prediction
from patients.models import Patient, Photo
from patients.models.consent import Consent
from patients.models.photo import PhotoQuerySet


def outdated_photos(patient: Patient) -> PhotoQuerySet:
    """Return the photos that another model than the loaded one read last; none when no model is installed.

    Photos whose picture was erased cannot be read again, and those on their way will be read by that model anyway.
    """
    version = loaded_model_version()
    if not version:
        return Photo.objects.none()
    of_others = Prediction.objects.exclude(model_version=version).exclude(state__in=Prediction.UNFINISHED)
    photos = Photo.objects.with_newest().filter(visit__patient=patient).exclude(image="")
    return photos.filter(predictions__id=F("newest_prediction_id"), predictions__in=of_others)


def read_again(patient: Patient) -> int:
    """Hand the outdated photos of `patient` to the loaded model and return how many; none without consent to care.

    A face that a clinician chose stays chosen.
    """
    if not patient.has_consent(Consent.Purpose.CARE):
        return 0
    version = loaded_model_version()
    with transaction.atomic():
        photos = list(outdated_photos(patient).with_predictions())
        for photo in photos:
            _ask(photo, version, photo.prediction.wanted_box if photo.prediction else None, queue="again")
    return len(photos)


def read_once_more(photo: Photo, face: int | None = None) -> bool:
    """Have one photo read by the loaded model, face number `face` of its newest reading if given.

    What an older model said stays as it is, and a failure that was put aside asks for attention again: the new answer is news.
    Return False when the photo is being read already, or may not be read. Raises IndexError for a face that is not there.
    """
    is_asked = _read_once_more(photo, face)
    if is_asked and photo.dismissed_at:
        photo.bring_back()
    return is_asked


def why_not(photo: Photo) -> tuple[str, str]:
    """Return a code and a sentence that say why `read_once_more` did nothing."""
    if photo.is_erased:
        return "photo_erased", _("The picture was erased: it cannot be read any more.")
    if not photo.may_be_read:
        return "no_consent", _("The patient has not consented to care: the photo is not read.")
    return "being_read", _("The photo is being read already.")


def _read_once_more(photo: Photo, face: int | None) -> bool:
    newest, version = photo.prediction, loaded_model_version()
    if newest is not None and (newest.model_version in ("", version) or not version or not newest.is_final):
        return request_again(newest, face)
    if not photo.may_be_read:
        return False
    box = newest.wanted_box if newest is not None and face is None else None
    if newest is not None and face is not None:
        box = newest.faces[face]["box"]
    return _ask(photo, version, box)


def _ask(photo: Photo, version: str, box: dict[str, float] | None, queue: str = "photos") -> bool:
    """Have model `version` read face `box` of the photo, again if it did before another model. False when it is at it already."""
    with transaction.atomic():
        asked, is_new = Prediction.objects.get_or_create(photo=photo, model_version=version)
        is_asked = is_new or asked.requeue()
        if is_asked:
            Prediction.objects.filter(pk=asked.pk).update(wanted_box=box)
            hand_over(asked.pk, queue)
    return is_asked
