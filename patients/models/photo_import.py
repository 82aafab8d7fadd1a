"""Imports: photos of many days that were added at once, and the files that could not be added."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing
from patients.models.patient import Patient, seen
from patients.models.user import User

UNDONE_WITHIN = timedelta(hours=24)


class ImportQuerySet(models.QuerySet["Import"]):
    """Queries on imports."""

    def visible_to(self, user: User) -> ImportQuerySet:
        """Return the imports of the patients whom `user` sees."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def sought_by(self, user: User) -> ImportQuerySet:
        """Return the same imports as `visible_to`, for a query that names a few of them by their ids."""
        return self.filter(seen(user, "patient"))


class Import(models.Model):
    """One import. Its photos, and the visits that it made, refer to it.

    begun -> finished (sent, or cancelled) -> undone, within 24 hours
    """

    sealing: ClassVar = Sealing("patient_id")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    name = EncryptedTextField(blank=True)  # of the folder
    asked = models.PositiveIntegerField(default=0)  # how many photos were to be added
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return str(self.id)

    @property
    def undone_until(self) -> datetime:
        """Until when it can be undone."""
        return self.created_at + UNDONE_WITHIN


class ImportFailure(models.Model):
    """A file that could not be added. It stays until the person who imported it has acknowledged it."""

    # Failures that agree in these differ in nothing but the name of the file.
    sealing: ClassVar = Sealing("imported_in.patient_id", row=("imported_in_id", "day", "code"))

    imported_in = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="failures")
    file_name = EncryptedTextField(blank=True)
    day = models.DateField(null=True, blank=True)
    code = models.CharField(max_length=40)
    detail = models.JSONField(default=dict, blank=True)  # measured numbers, no names
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.pk} {self.code}"
