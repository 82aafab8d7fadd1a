"""The labels that clinicians gave a photo, as its page shows them."""

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

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
    """Return the labels of `photo` as `reader` may see them. `photo` was read `with_label_count` and with the reader's own label.

    One query; one more where colleagues labelled it too.
    """
    own, count = next(iter(photo.own_labels.all()), None), photo.__dict__["label_count"]
    agreement = labelled_by(reader, photo.visit.patient).agreement
    if own is None or count == 1:
        return LabelCard(own, [], 0 if own else count, agreement)
    others = OwnLabel.objects.filter(photo=photo).exclude(pk=own.pk).select_related("clinician", "photo__visit")
    return LabelCard(own, list(others), 0, agreement)


def with_label_count(photos: QuerySet[Photo]) -> QuerySet[Photo]:
    """Return the photos with the column `label_count`: how many clinicians labelled them."""
    labels = OwnLabel.objects.filter(photo=OuterRef("pk")).order_by().values("photo")
    return photos.annotate(label_count=Coalesce(Subquery(labels.annotate(n=Count("pk")).values("n")), 0))
