"""Re-analyses photos with the current model: one photo, or all that another model read. Keeps every older result."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from inference.dispatch import hand_over, loaded_model_version, request_again
from inference.models import Prediction
from patients.models import Patient, Photo
from patients.models.consent import Consent
from patients.models.photo import PhotoQuerySet


def outdated_photos(*patients: Patient) -> PhotoQuerySet:
    """Return the photos of these patients whose newest prediction is of another model than the loaded one; none without a model.

    Leaves out photos whose picture was erased, and those that wait or are being read: the loaded model reads them anyway.
    """
    version = loaded_model_version()
    if not version:
        return Photo.objects.none()
    of_others = Prediction.objects.exclude(model_version=version).exclude(state__in=Prediction.UNFINISHED)
    photos = Photo.objects.with_newest().filter(visit__patient__in=patients).exclude(image="")
    return photos.filter(predictions__id=F("newest_prediction_id"), predictions__in=of_others)


def reanalyse_outdated(patient: Patient) -> int:
    """Queue the outdated photos of `patient` for the loaded model; return how many, 0 without consent to care.

    Keeps the clinician's choice of a face.
    """
    if not patient.has_consent(Consent.Purpose.CARE):
        return 0
    version = loaded_model_version()
    with transaction.atomic():
        photos = list(outdated_photos(patient).with_predictions())
        for photo in photos:
            _queue(photo, version, photo.prediction.wanted_box if photo.prediction else None, queue="again")
    return len(photos)


def reanalyse(photo: Photo, face: int | None = None) -> bool:
    """Queue one photo for the loaded model. `face`, if given, is an index into the faces of its newest prediction.

    Undoes the dismissal of a failure, because the new result is news. Returns False when the photo is being read already, or may
    not be read. Raises IndexError when there is no such face.
    """
    is_queued = _reanalyse(photo, face)
    if is_queued and photo.dismissed_at:
        photo.bring_back()
    return is_queued


def why_not_reanalysed(photo: Photo) -> tuple[str, str]:
    """Return the code and the message of why `reanalyse` returned False."""
    if photo.is_erased:
        return "photo_erased", _("The picture was erased and can no longer be analysed.")
    if not photo.may_be_read:
        return "no_consent", _("Without consent to care, the photo is not analysed.")
    return "being_read", _("The photo is already being analysed.")


def _reanalyse(photo: Photo, face: int | None) -> bool:
    newest, version = photo.prediction, loaded_model_version()
    if newest is not None and (newest.model_version in ("", version) or not version or not newest.is_final):
        return request_again(newest, face)
    if not photo.may_be_read:
        return False
    box = newest.wanted_box if newest is not None and face is None else None
    if newest is not None and face is not None:
        box = newest.faces[face]["box"]
    return _queue(photo, version, box)


def _queue(photo: Photo, version: str, box: dict[str, float] | None, queue: str = "photos") -> bool:
    """Queue the photo for model `version`, which reads the face at `box`, or finds one without a box.

    Reuses the model's earlier prediction of the photo. Returns False when the model is reading the photo already.
    """
    with transaction.atomic():
        prediction, is_new = Prediction.objects.get_or_create(photo=photo, model_version=version)
        is_queued = is_new or prediction.requeue()
        if is_queued:
            Prediction.objects.filter(pk=prediction.pk).update(wanted_box=box)
            hand_over(prediction.pk, queue)
    return is_queued
