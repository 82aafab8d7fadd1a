"""Who looks after a patient: clinicians and teams. The access log records every change."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from patients.audit.log import Actor, record_access, user_of
from patients.care.notices import Told, carers_of, tell
from patients.models import AccessLog, Assignment, Patient, Team, TeamAssignment, User
from patients.models.names import by_name

Carer = User | Team


class LastCarer(Exception):
    """No one who can sign in would see the patient any more."""


class ResponsibleClinician(Exception):
    """The responsible clinician is replaced, never removed."""


class MayNotRemove(Exception):
    """Only the responsible clinician and leads remove others."""


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


def assign(patient: Patient, carer: Carer, who: Actor, *, is_told: bool = True) -> None:
    """Let a clinician or a team see the patient. All who then see the patient are told, unless `is_told` is off."""
    with transaction.atomic():
        if isinstance(carer, Team):
            is_new = TeamAssignment.objects.get_or_create(patient=patient, team=carer)[1]
        else:
            is_new = Assignment.objects.get_or_create(patient=patient, clinician=carer)[1]
        if is_new:
            record_access(who, AccessLog.Action.PERMISSION, patient, obj=carer, changed="assigned")
            if is_told:
                tell(carers_of(patient), _told("assigned", patient, carer, who))


def leads_care_of(user: User, patient: Patient) -> bool:
    """Whether the user leads a team that looks after the patient and to which the responsible clinician belongs.

    Anyone in care can assign a team of their own: leading that one gives no say over the colleagues.
    """
    led = Team.objects.led_by(user).filter(assignments__patient=patient)
    responsible = patient.responsible
    if responsible and responsible.is_active and responsible.is_clinician:
        led = led.filter(pk__in=Team.objects.of(responsible).values("pk"))
    return user.is_clinician and led.exists()


def may_remove_others(user: User, patient: Patient) -> bool:
    """Whether the user may remove colleagues and teams: the responsible clinician, and a lead."""
    return patient.responsible_id == user.pk or leads_care_of(user, patient)


def unassign(patient: Patient, carer: Carer, who: Actor) -> None:
    """Remove a clinician or a team, and tell them and those who stay.

    Raises LastCarer if the patient would be left without a carer who can sign in, ResponsibleClinician for the responsible one,
    and MayNotRemove for someone who may remove only themselves.
    """
    by = user_of(who)
    with transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        if carer != by and by is not None and not may_remove_others(by, patient):
            raise MayNotRemove
        told = list(carers_of(patient))
        if isinstance(carer, Team):
            removed, _rows = TeamAssignment.objects.filter(patient=patient, team=carer).delete()
        else:
            removed, _rows = Assignment.objects.filter(patient=patient, clinician=carer).delete()
        if Patient.objects.without_carer().filter(pk=patient.pk).exists():
            raise LastCarer
        if isinstance(carer, User) and carer.pk == patient.responsible_id and carer.is_active and carer.is_clinician:
            raise ResponsibleClinician
        if removed:
            record_access(who, AccessLog.Action.PERMISSION, patient, obj=carer, changed="unassigned")
            tell(told, _told("unassigned", patient, carer, who))


def _told(kind: str, patient: Patient, carer: Carer, who: Actor) -> Told:
    if isinstance(carer, Team):
        return Told(f"team_{kind}", user_of(who), team=carer, patient=patient)
    return Told(kind, user_of(who), about=carer, patient=patient)


def unattended() -> WithoutCarer:
    """Return the patients without a carer, and the accounts and teams from which they can be handed over."""
    patients = Patient.objects.without_carer()
    of_these = {"assignments__patient__in": patients.values("pk")}
    return WithoutCarer(
        patients.count(),
        by_name(User.objects.filter(**of_these).distinct(), lambda clinician: clinician.display_name),
        by_name(Team.objects.filter(**of_these).distinct(), lambda team: team.name),
    )
