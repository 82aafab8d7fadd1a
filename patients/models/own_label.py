"""A clinician's own label of the face on a photo. It stands beside the model's answer and never replaces it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing
from ml.serve.expressions import EXPRESSIONS
from patients.models.photo import Photo
from patients.models.user import User

CANNOT_SAY = "cannot_say"
LABELS = (*((name, name) for name in EXPRESSIONS), (CANNOT_SAY, _("cannot say")))


class OwnLabelQuerySet(models.QuerySet["OwnLabel"]):
    """Queries on own labels."""

    def open_to(self, reader: User) -> OwnLabelQuerySet:
        """Return the labels that `reader` may see: their own, and those of colleagues on photos that they have labelled too."""
        own = OwnLabel.objects.filter(photo=OuterRef("photo"), clinician=reader)
        return self.filter(Exists(own))


class OwnLabel(models.Model):
    """One clinician's label of one photo. It affects no mean and no reading."""

    sealing: ClassVar = Sealing("photo.visit.patient_id", row=("photo_id", "clinician_id"))

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="own_labels")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(_("label"), max_length=10, choices=LABELS)
    remark = EncryptedTextField(_("remark"), blank=True)
    box = models.JSONField(null=True, blank=True)  # the face that was labelled: another one may be chosen later
    given_at = models.DateTimeField(default=timezone.now)

    objects = OwnLabelQuerySet.as_manager()

    class Meta:
        ordering = ("given_at", "id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["photo", "clinician"], name="one_label_per_clinician_and_photo"),
            models.CheckConstraint(condition=models.Q(label__in=[*EXPRESSIONS, CANNOT_SAY]), name="label_is_an_expression"),
        ]

    def __str__(self) -> str:
        return f"{self.photo_id} {self.label}"

    @property
    def in_words(self) -> str:
        """The label in the reader's language."""
        return str(dict(LABELS)[CANNOT_SAY]) if self.label == CANNOT_SAY else gettext(self.label)
