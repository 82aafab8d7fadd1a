"""Requests that a second person decides: they would give a clinician sight of patients."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from patients.models.patient import Patient
from patients.models.team import Team
from patients.models.user import User

OPEN_FOR = timedelta(days=7)
ESTABLISHED_AFTER = timedelta(days=7)


def a_week_from_now() -> datetime:
    """Return the end of a request that is made now."""
    return timezone.now() + OPEN_FOR


class CareRequestQuerySet(models.QuerySet["CareRequest"]):
    """Queries on requests."""

    def open(self) -> CareRequestQuerySet:
        """Return the requests that still wait for a decision."""
        return self.filter(state=CareRequest.State.PENDING, expires_at__gt=timezone.now())


class CareRequest(models.Model):
    """One person asks that `to` gets sight of patients, and a second person decides.

    ::

        pending -> confirmed | declined | withdrawn, or expired after a week
    """

    class Kind(models.TextChoices):
        HAND_OVER = "hand_over", _("Hand over a caseload")
        JOIN = "join", _("Join a team")
        RESPONSIBLE = "responsible", _("Hand over responsibility")

    class State(models.TextChoices):
        PENDING = "pending", pgettext_lazy("state of a request", "Waiting")
        CONFIRMED = "confirmed", pgettext_lazy("state of a request", "Confirmed")
        DECLINED = "declined", pgettext_lazy("state of a request", "Declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("state of a request", "Withdrawn")

    kind = models.CharField(max_length=11, choices=Kind.choices)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="care_requests")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # Whose caseload it is: HAND_OVER.
    source = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="care_requests")  # JOIN
    is_lead = models.BooleanField(default=False)  # JOIN
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE, related_name="care_requests")  # RESPONSIBLE
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=a_week_from_now)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    objects = CareRequestQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind="hand_over", source__isnull=False, team=None, patient=None)
                | Q(kind="join", source=None, team__isnull=False, patient=None)
                | Q(kind="responsible", source=None, team=None, patient__isnull=False),
                name="request_names_what_its_kind_asks",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_by=None) | (~Q(state="pending") & Q(decided_by__isnull=False)),
                name="decision_says_who_made_it",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(decided_by=models.F("asked_by")), name="second_person_confirms"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a decision."""
        return self.state == self.State.PENDING and self.expires_at > timezone.now()

    def deciders(self) -> models.QuerySet[User]:
        """Return those who may confirm or decline it, never the person who asked.

        One of the two people looks after the patients already. Where no one does any more, the receiving clinician or another
        administrator decides, whose account is older than a week: an account that was just invited for this decides nothing.
        """
        active = User.objects.filter(is_active=True)
        insiders = self._insiders(active)
        receiver = active.filter(pk=self.to_id, role=User.Role.CLINICIAN)
        if insiders.filter(pk=self.asked_by_id).exists():
            found = insiders | receiver
        elif insiders.exists():
            found = insiders
        else:
            administrators = active.filter(role=User.Role.ADMINISTRATOR)
            found = (receiver | administrators).filter(date_joined__lt=self.asked_at - ESTABLISHED_AFTER)
        return found.exclude(pk=self.asked_by_id).distinct()

    def _insiders(self, active: models.QuerySet[User]) -> models.QuerySet[User]:
        """Return those who look after the patients now: the clinician of the caseload, or the leads of the team."""
        able = active.filter(role=User.Role.CLINICIAN)
        if self.kind == self.Kind.RESPONSIBLE:
            return able.filter(pk=self.asked_by_id)
        if self.kind == self.Kind.HAND_OVER:
            # Teams that look after these patients: an administrator can put anyone into a team without patients.
            theirs = {"assignments__patient__assignments__clinician": self.source_id}
            teams = Team.objects.filter(memberships__clinician=self.source_id, **theirs)
            leads = Q(memberships__team__in=teams.values("pk"), memberships__is_lead=True)
            return able.filter(pk__in=able.filter(Q(pk=self.source_id) | leads).values("pk")).exclude(pk=self.to_id)
        members = able.filter(pk__in=self.team.memberships.values("clinician")) if self.team else able.none()
        leads_here = members.filter(memberships__team=self.team_id, memberships__is_lead=True)
        return User.objects.filter(pk__in=(leads_here if leads_here.exists() else members).values("pk")).exclude(pk=self.to_id)

    def decide(self, state: str, by: User) -> bool:
        """Note the decision. Return False when it was decided before, or is too late."""
        waiting = CareRequest.objects.open().filter(pk=self.pk)
        is_first = bool(waiting.update(state=state, decided_by=by, decided_at=timezone.now()))
        self.refresh_from_db()
        return is_first
