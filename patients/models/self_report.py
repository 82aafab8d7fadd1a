"""Self-report: the patient's own ratings of the days before a visit."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedSmallIntegerField
from encryption.sealing import Sealing
from patients.models.visit import Visit

MOST = {"mood": 10, "phq9": 27, "gad7": 21}
"""Highest total of each scale; the lowest is 0."""


class SelfReport(models.Model):
    """Mood from 0 (low) to 10 (high), PHQ-9 total and GAD-7 total at one visit. Each may be None."""

    sealing: ClassVar = Sealing("visit.patient_id", row=("visit_id",))

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE, related_name="self_report")
    mood = EncryptedSmallIntegerField(_("mood"), null=True, blank=True, validators=[MaxValueValidator(MOST["mood"])])
    phq9 = EncryptedSmallIntegerField(_("PHQ-9 total"), null=True, blank=True, validators=[MaxValueValidator(MOST["phq9"])])
    gad7 = EncryptedSmallIntegerField(_("GAD-7 total"), null=True, blank=True, validators=[MaxValueValidator(MOST["gad7"])])
    saved_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.visit_id)
