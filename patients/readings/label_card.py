"""What the page of a photo says of labels that clinicians gave."""

from dataclasses import dataclass

from patients.models import OwnLabel, Photo, User
from patients.models.own_label import LABELS
from patients.readings.agreement import Agreement, labelled_by


@dataclass(frozen=True)
class LabelCard:
    """The reader's own label, those of others, and how often the model agreed with the reader on this patient so far.

    Whoever sees the labels of others first would no longer give their own: until then only their number is told.
    """

    own: OwnLabel | None
    others: list[OwnLabel]
    hidden: int
    agreement: Agreement
    choices = LABELS


def label_card(photo: Photo, reader: User) -> LabelCard:
    """Return what to draw. Two queries."""
    labels = list(OwnLabel.objects.filter(photo=photo).select_related("clinician"))
    own = next((label for label in labels if label.clinician_id == reader.pk), None)
    others = [label for label in labels if label != own]
    agreement = labelled_by(reader, photo.visit.patient).agreement
    return LabelCard(own, others if own else [], 0 if own else len(others), agreement)
