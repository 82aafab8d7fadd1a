"""Emergency access: a clinician opens another clinician's patient, gives a reason, and a lead or administrator reviews it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedTextField
from encryption.sealing import Sealing
from patients.models.patient import Patient
from patients.models.user import User

LASTS = timedelta(hours=2)


def two_hours_from_now() -> datetime:
    """Return the end of an emergency access that begins now."""
    return timezone.now() + LASTS


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    """Queries on emergency accesses."""

    def open(self) -> BreakGlassQuerySet:
        """Return the emergency accesses that are open now."""
        return self.filter(ends_at__gt=timezone.now())

    def to_be_reviewed_by(self, user: User) -> BreakGlassQuerySet:
        """Return the emergency accesses that `user` may review, never their own.

        An administrator reviews all of them, a lead those to patients of their teams.
        """
        others = self.exclude(clinician=user)
        if user.is_administrator:
            return others
        led = Q(team__memberships__clinician=user, team__memberships__is_lead=True)
        return others.filter(patient__in=Patient.teams.through.objects.filter(led).values("patient"))


class BreakGlass(models.Model):
    """One clinician sees one patient for two hours, or until the clinician ends it.

    ::

        open -> over (after two hours, or ended by hand) -> reviewed
    """

    sealing: ClassVar = Sealing("patient_id", row=("clinician_id", "opened_at"))

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="break_glasses")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="break_glasses")
    reason = EncryptedTextField(_("reason"))
    opened_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(default=two_hours_from_now)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None) | Q(reviewed_at__isnull=False, reviewed_by__isnull=False),
                name="review_says_who_did_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} of {self.clinician_id}"

    @property
    def is_open(self) -> bool:
        """Whether the clinician may open the patient now."""
        return self.ends_at > timezone.now()

    def end(self) -> None:
        """End the access now. Does nothing when it is over."""
        if self.is_open:
            self.ends_at = timezone.now()
            self.save(update_fields=["ends_at"])

    def review(self, by: User) -> bool:
        """Mark the access as reviewed by `by`. Return False when it was reviewed before."""
        waiting = BreakGlass.objects.filter(pk=self.pk, reviewed_at=None)
        return bool(waiting.update(reviewed_by=by, reviewed_at=timezone.now()))
