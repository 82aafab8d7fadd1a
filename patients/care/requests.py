"""Changes that a second person confirms: a caseload that is handed over, a team that is joined, responsibility for a patient."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from patients.audit.log import Actor, record_access
from patients.care.notices import Told, carers_of, tell
from patients.care.responsible import make_responsible
from patients.care.team import assign
from patients.models import AccessLog, CareRequest, Membership, Patient, Team, User

Kind, State = CareRequest.Kind, CareRequest.State
DECISIONS = {"confirm": State.CONFIRMED, "decline": State.DECLINED, "withdraw": State.WITHDRAWN}
SHOWN_DECIDED = 20
ASKED = gettext_lazy("Asked. A second person confirms it; both of you see it under Notices.")
NO_SECOND_PERSON = gettext_lazy("No one could confirm this. It takes a lead, or a colleague whose account is older than a week.")


class NoSecondPerson(Exception):
    """No one could confirm the request."""


class MayNotDecide(Exception):
    """This person cannot make this decision, or it has been made."""


def ask_to_hand_over(source: User, to: User, by: User, who: Actor) -> CareRequest:
    """Ask that the patients of `source` are assigned to `to` as well. Raises NoSecondPerson."""
    return _ask(CareRequest(kind=Kind.HAND_OVER, asked_by=by, source=source, to=to), who)


def ask_to_join(team: Team, clinician: User, is_lead: bool, by: User, who: Actor) -> CareRequest | None:
    """Ask that `clinician` joins the team. An administrator adds them at once (None) where the team looks after no one yet.

    Raises NoSecondPerson.
    """
    if by.is_administrator and not team.assignments.exists():
        _join(team, clinician, is_lead, by, who)
        return None
    return _ask(CareRequest(kind=Kind.JOIN, asked_by=by, team=team, to=clinician, is_lead=is_lead), who)


def ask_to_be_responsible(patient: Patient, clinician: User, by: User, who: Actor) -> CareRequest:
    """Ask `clinician` to take over responsibility for the patient. Raises NoSecondPerson."""
    return _ask(CareRequest(kind=Kind.RESPONSIBLE, asked_by=by, patient=patient, to=clinician), who)


def decide(request: CareRequest, decision: str, by: User, who: Actor) -> None:
    """Carry out a decision: confirm, decline or withdraw. Raises MayNotDecide."""
    state = DECISIONS.get(decision)
    may = request.asked_by_id == by.pk if state is State.WITHDRAWN else request.deciders().filter(pk=by.pk).exists()
    with transaction.atomic():
        if state is None or not may or not request.decide(state, by):
            raise MayNotDecide
        _log(request, state, who)
        told = {request.asked_by, request.to, *request.deciders()}
        if state is State.CONFIRMED:
            told |= _carry_out(request, by, who)
        tell(told, Told(state, by, care_request=request, patient=request.patient))


def requests_of(person: User) -> list[CareRequest]:
    """Return the open requests that the person asked for or decides, then those decided lately. Each can be seen by both sides."""
    related = ("asked_by", "to", "source", "team", "patient", "decided_by")
    recent = CareRequest.objects.select_related(*related)
    waiting = [each for each in recent.open() if person.pk == each.asked_by_id or each.deciders().filter(pk=person.pk).exists()]
    mine = Q(asked_by=person) | Q(decided_by=person) | Q(to=person) | Q(notices__person=person)
    over = recent.filter(mine).exclude(state=State.PENDING, expires_at__gt=timezone.now()).distinct()
    return [*waiting, *over[:SHOWN_DECIDED]]


def _ask(request: CareRequest, who: Actor) -> CareRequest:
    same = CareRequest.objects.open().filter(kind=request.kind, to=request.to, source=request.source, team=request.team)
    if earlier := same.filter(patient=request.patient, asked_by=request.asked_by).first():
        return earlier
    with transaction.atomic():
        request.save()
        deciders = list(request.deciders())
        if not deciders:
            raise NoSecondPerson
        _log(request, "asked", who)
        tell(deciders, Told("asked", request.asked_by, care_request=request, patient=request.patient))
    return request


def _carry_out(request: CareRequest, by: User, who: Actor) -> set[User]:
    """Do what was asked for; return whom it concerns beside those who asked and decide."""
    if request.kind == Kind.JOIN and request.team:
        _join(request.team, request.to, request.is_lead, by, who)
        return set()
    if request.kind == Kind.RESPONSIBLE and request.patient:
        make_responsible(request.patient, request.to, who)
        return set()
    patients = Patient.objects.filter(Q(assignments__clinician=request.source) | Q(responsible=request.source)).distinct()
    told = set(carers_of(patients))
    for patient in patients:
        assign(patient, request.to, who, is_told=False)
    for patient in Patient.objects.filter(responsible=request.source).exclude(name=""):
        patient.responsible = request.to
        patient.save(update_fields=["responsible"])
        record_access(who, AccessLog.Action.PERMISSION, patient, obj=request.to, changed="responsible")
    return told


def _join(team: Team, clinician: User, is_lead: bool, by: User, who: Actor) -> None:
    with transaction.atomic():
        Membership.objects.update_or_create(team=team, clinician=clinician, defaults={"is_lead": is_lead})
        record_access(who, AccessLog.Action.PERMISSION, obj=clinician, changed="joined a team", team=team.pk, is_lead=is_lead)
        tell(User.objects.filter(memberships__team=team), Told("joined", by, about=clinician, team=team))


def _log(request: CareRequest, what: str, who: Actor) -> None:
    changed = f"{request.kind} {what}"
    record_access(who, AccessLog.Action.PERMISSION, request.patient, obj=request.to, changed=changed, request=request.pk)
