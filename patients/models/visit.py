"""Visits: a day in the clinic on which photos were taken."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing
from patients.models.patient import Patient, seen
from patients.models.photo_import import Import
from patients.models.user import User


class VisitQuerySet(models.QuerySet["Visit"]):
    """Queries on visits."""

    def visible_to(self, user: User) -> VisitQuerySet:
        """Return the visits of the patients whom `user` sees."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def sought_by(self, user: User) -> VisitQuerySet:
        """Return the same visits as `visible_to`, for a query that names a few of them by their ids."""
        return self.filter(seen(user, "patient"))


class Visit(models.Model):
    """One visit of one patient. `date` is a day in the clinic's zone, not a moment."""

    sealing: ClassVar = Sealing("patient_id")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="visits")
    date = models.DateField(_("date"))
    note = EncryptedTextField(_("note"), blank=True)
    is_baseline = models.BooleanField(_("usual for the patient"), default=False)  # a clinician chose it for the baseline
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    imported_in = models.ForeignKey(Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="visits")  # made by it
    form_token = models.UUIDField(null=True, editable=False)  # of the page that asked for it: sent twice, it is made once

    objects = VisitQuerySet.as_manager()

    class Meta:
        ordering = ("date", "created_at")
        indexes: ClassVar = [models.Index(fields=["patient", "date"], name="visit_by_date")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["patient", "created_by", "form_token"], name="one_visit_per_form")]

    def __str__(self) -> str:
        return str(self.id)
