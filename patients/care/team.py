"""Who looks after a patient: clinicians and teams. The access log records every change."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Assignment, Patient, Team, TeamAssignment, User
from patients.models.names import by_name

Carer = User | Team


class LastCarer(Exception):
    """No one who can sign in would see the patient any more."""


@dataclass(frozen=True)
class Care:
    """Who looks after a patient, and who else could."""

    clinicians: list[User]
    teams: list[Team]
    other_clinicians: QuerySet[User]
    other_teams: QuerySet[Team]


@dataclass(frozen=True)
class WithoutCarer:
    """How many patients have no carer who can sign in (account disabled, role changed, team empty), and whose they were."""

    count: int
    people: list[User]
    teams: list[Team]


def care_of(patient: Patient) -> Care:
    """Return who looks after the patient."""
    clinicians = by_name(patient.clinicians.all(), lambda clinician: clinician.display_name)
    teams = by_name(patient.teams.prefetch_related("members"), lambda team: team.name)
    able = User.objects.filter(is_active=True, role=User.Role.CLINICIAN)
    return Care(
        clinicians, teams, able.exclude(pk__in=[each.pk for each in clinicians]), Team.objects.exclude(pk__in=[t.pk for t in teams])
    )


def assign(patient: Patient, carer: Carer, who: Actor) -> None:
    """Let a clinician or a team see the patient."""
    with transaction.atomic():
        if isinstance(carer, Team):
            is_new = TeamAssignment.objects.get_or_create(patient=patient, team=carer)[1]
        else:
            is_new = Assignment.objects.get_or_create(patient=patient, clinician=carer)[1]
        if is_new:
            record_access(who, AccessLog.Action.PERMISSION, patient, obj=carer, changed="assigned")


def unassign(patient: Patient, carer: Carer, who: Actor) -> None:
    """Remove a clinician or a team. Raises LastCarer if no one who can sign in would see the patient any more."""
    with transaction.atomic():
        Patient.objects.select_for_update().get(pk=patient.pk)
        if isinstance(carer, Team):
            removed, _rows = TeamAssignment.objects.filter(patient=patient, team=carer).delete()
        else:
            removed, _rows = Assignment.objects.filter(patient=patient, clinician=carer).delete()
        if Patient.objects.without_carer().filter(pk=patient.pk).exists():
            raise LastCarer
        if removed:
            record_access(who, AccessLog.Action.PERMISSION, patient, obj=carer, changed="unassigned")


def unattended() -> WithoutCarer:
    """Return the patients without a carer, and the accounts and teams from which they can be handed over."""
    patients = Patient.objects.without_carer()
    of_these = {"assignments__patient__in": patients.values("pk")}
    return WithoutCarer(
        patients.count(),
        by_name(User.objects.filter(**of_these).distinct(), lambda clinician: clinician.display_name),
        by_name(Team.objects.filter(**of_these).distinct(), lambda team: team.name),
    )
