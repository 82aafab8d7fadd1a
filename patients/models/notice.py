"""Notices: what a person is told about their patients, their team or their account."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from patients.models.care_request import CareRequest
from patients.models.patient import Patient
from patients.models.team import Team


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Queries on notices."""

    def unread(self) -> NoticeQuerySet:
        """Return those that their person has not marked as read."""
        return self.filter(read_at=None)


class Notice(models.Model):
    """One person is told that `by` did something. The words are in patients/care/notices.py."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    about = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE, related_name="notices")
    care_request = models.ForeignKey(CareRequest, null=True, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes: ClassVar = [models.Index(fields=["person", "read_at"], name="notices_of_a_person")]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} for {self.person_id}"
