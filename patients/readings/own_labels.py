"""A clinician gives a photo a label of their own, or takes it back. The access log records both."""

from django.db import transaction
from django.utils import timezone

from patients.audit.log import Actor, record_access
from patients.forms.label import OwnLabelForm
from patients.models import AccessLog, OwnLabel, Photo


def give_label(form: OwnLabelForm, photo: Photo, who: Actor) -> OwnLabel:
    """Store the label of a valid form with the face that is read now. Raises IntegrityError when it was given a moment ago."""
    prediction = photo.prediction
    chosen = prediction.chosen_face if prediction else None
    form.instance.box = prediction.faces[chosen]["box"] if prediction and chosen is not None else None
    form.instance.given_at = timezone.now()
    with transaction.atomic():
        label = form.save()
        record_access(who, AccessLog.Action.LABEL, obj=photo)
    return label


def take_back(label: OwnLabel, photo: Photo, who: Actor) -> None:
    """Delete the label."""
    with transaction.atomic():
        label.delete()
        record_access(who, AccessLog.Action.LABEL, obj=photo, taken_back=True)
