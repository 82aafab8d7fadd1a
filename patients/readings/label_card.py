"""The labels that clinicians gave a photo, as its page shows them."""

from dataclasses import dataclass

from patients.models import OwnLabel, Photo, User
from patients.models.own_label import LABELS
from patients.readings.agreement import Agreement, labelled_by


@dataclass(frozen=True)
class LabelCard:
    """The reader's own label, the labels of others, and how often the model agreed with the reader on this patient so far.

    The labels of others would influence the reader: until the reader has given one, only their number is shown.
    """

    own: OwnLabel | None
    others: list[OwnLabel]
    hidden: int
    agreement: Agreement
    choices = LABELS


def label_card(photo: Photo, reader: User) -> LabelCard:
    """Return the labels of `photo` as `reader` may see them. Two queries."""
    labels = list(OwnLabel.objects.filter(photo=photo).select_related("clinician", "photo__visit"))
    own = next((label for label in labels if label.clinician_id == reader.pk), None)
    others = [label for label in labels if label != own]
    agreement = labelled_by(reader, photo.visit.patient).agreement
    return LabelCard(own, others if own else [], 0 if own else len(others), agreement)
