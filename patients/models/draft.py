"""Unsaved text of a user whose session ended: stored here, encrypted, and never in the browser."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing
from patients.models.patient import Patient
from patients.models.user import User

LIFETIME = timedelta(hours=24)
MAX_CHARACTERS = 50_000  # of all fields together
PATH_MAX_LENGTH = 200


class Draft(models.Model):
    """The fields of one form, found by the path of its page.

    Deleted when the form is saved or left, after a day, and with its patient.
    """

    sealing: ClassVar = Sealing("patient_id", row=("clinician_id", "path"), may_have_none=True)

    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE, related_name="drafts")
    path = models.CharField(max_length=PATH_MAX_LENGTH)
    fields = EncryptedTextField(_("fields"))
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["clinician", "path"], name="one_draft_per_page")]

    def __str__(self) -> str:
        return f"{self.pk} of {self.clinician_id}"

    @classmethod
    def keep(cls, clinician: User, path: str, fields: dict[str, str], patient: Patient | None) -> None:
        """Store the fields of the page at `path`, in place of an earlier draft. Deletes all expired drafts."""
        cls.delete_expired()
        values = {"fields": json.dumps(fields), "patient": patient, "saved_at": timezone.now()}
        cls.objects.update_or_create(clinician=clinician, path=path, defaults=values)

    @classmethod
    def delete_expired(cls) -> None:
        """Delete all expired drafts."""
        cls.objects.filter(saved_at__lt=timezone.now() - LIFETIME).delete()

    @classmethod
    def forget(cls, clinician: User, path: str) -> None:
        """Delete the draft of a page once its form is saved or discarded: later it would replace newer text."""
        cls.objects.filter(clinician=clinician, path=path).delete()

    @classmethod
    def read(cls, clinician: User, path: str) -> dict[str, str]:
        """Return the stored fields and keep them; an empty dict when there is no draft, or it has expired."""
        draft = cls.objects.filter(clinician=clinician, path=path, saved_at__gte=timezone.now() - LIFETIME).first()
        found: dict[str, str] = json.loads(draft.fields) if draft else {}
        return found
