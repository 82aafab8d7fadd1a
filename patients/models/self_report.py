"""Self-report: the patient's own ratings of the days before a visit."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models.visit import Visit

MOST = {"mood": 10, "phq9": 27, "gad7": 21}
"""Highest total of each scale; the lowest is 0."""


class SelfReport(models.Model):
    """Mood from 0 (low) to 10 (high), PHQ-9 total and GAD-7 total at one visit. Each may be None."""

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE, related_name="self_report")
    mood = models.PositiveSmallIntegerField(_("mood"), null=True, blank=True, validators=[MaxValueValidator(MOST["mood"])])
    phq9 = models.PositiveSmallIntegerField(_("PHQ-9 total"), null=True, blank=True, validators=[MaxValueValidator(MOST["phq9"])])
    gad7 = models.PositiveSmallIntegerField(_("GAD-7 total"), null=True, blank=True, validators=[MaxValueValidator(MOST["gad7"])])
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(**{name: None}) | Q(**{f"{name}__lte": most}), name=f"{name}_on_its_scale")
            for name, most in MOST.items()
        ]

    def __str__(self) -> str:
        return str(self.visit_id)
