"""Care teams: clinicians who look after the same patients together."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models.patient import Patient
from patients.models.user import User


class TeamQuerySet(models.QuerySet["Team"]):
    """Queries on care teams."""

    def of(self, user: User) -> TeamQuerySet:
        """Return the teams that `user` belongs to."""
        return self.filter(memberships__clinician=user)

    def led_by(self, user: User) -> TeamQuerySet:
        """Return the teams that `user` leads."""
        return self.filter(memberships__clinician=user, memberships__is_lead=True)


class Team(models.Model):
    """A care team. Its members see every patient who is assigned to it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    patients = models.ManyToManyField(Patient, through="TeamAssignment", related_name="teams")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One clinician belongs to one team, and may lead it. Leads review the emergency accesses to the team's patients."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    is_lead = models.BooleanField(_("leads the team"), default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "clinician"], name="one_membership_per_team")]

    def __str__(self) -> str:
        return f"{self.clinician_id} in {self.team_id}"


class TeamAssignment(models.Model):
    """One team looks after one patient."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="team_assignments")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="assignments")
    assigned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["patient", "team"], name="one_assignment_per_team")]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.team_id}"
