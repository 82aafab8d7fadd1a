"""Patients out of a file, between the check of the file and a day later."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from encryption import patient_keys
from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing

LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class FoundPatient:
    """One row of a file, and what became of it. All as text, for JSON."""

    line: int  # in a CSV file; in a bundle the place of the entry
    name: str = ""
    record_number: str = ""
    birth_date: str = ""  # 1980-03-04; where it cannot be read, as the file has it
    sex: str = ""
    code: str = ""  # why it cannot be imported
    patient: str = ""  # id of the patient who has the number, or who was added
    seen: str = ""  # what the record of that patient was when the file was checked, as a hash
    outcome: str = ""  # added, updated or left_out


class PatientImportQuerySet(models.QuerySet["PatientImport"]):
    """Queries on imports of patients."""

    def kept(self) -> PatientImportQuerySet:
        """Return those whose day is not over."""
        return self.filter(created_at__gt=timezone.now() - LIFETIME)

    def delete_expired(self) -> int:
        """Delete the others, and return their number."""
        expired = list(self.filter(created_at__lte=timezone.now() - LIFETIME).values_list("pk", flat=True))
        for pk in expired:
            patient_keys.destroy(pk)
        return self.filter(pk__in=expired).delete()[0] if expired else 0


class PatientImport(models.Model):
    """One file. Only the person who chose it sees it.

    ::

        checked -> finished (carried out; rows that became patients keep no more than their id)
    """

    sealing: ClassVar = Sealing("pk", is_lazy=True)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    file_name = EncryptedTextField(blank=True)
    rows = EncryptedTextField()  # FoundPatient as JSON
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = PatientImportQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return str(self.id)

    @property
    def found(self) -> list[FoundPatient]:
        """The rows of the file."""
        return [FoundPatient(**row) for row in json.loads(self.rows)]

    @found.setter
    def found(self, rows: Sequence[FoundPatient]) -> None:
        self.rows = json.dumps([asdict(row) for row in rows])
