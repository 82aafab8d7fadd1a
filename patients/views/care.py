"""Who may see a patient."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.accounts.proof import password_before_change
from patients.care.banner import banner_of
from patients.care.notices import carers_of
from patients.care.requests import ask_to_be_responsible
from patients.care.responsible import make_responsible
from patients.care.team import (
    Carer,
    LastCarer,
    MayNotRemove,
    ResponsibleClinician,
    assign,
    care_of,
    leads_care_of,
    may_remove_others,
    unassign,
)
from patients.models import Patient, Team, User
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, number_in


@require_GET
def show_care(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the clinicians and the teams who look after the patient."""
    patient = find_patient(request, patient_id)
    is_own = patient.is_in_care_of(request.user)
    care = care_of(patient)
    is_lead = is_own and leads_care_of(request.user, patient)
    context = {
        "care": care,
        "responsible": patient.responsible,
        "may_assign": is_own,
        "may_remove": is_own and may_remove_others(request.user, patient),
        "leads_here": is_lead,
        "successors": _successors(patient) if is_lead or (is_own and patient.responsible == request.user) else None,
    }
    return render(request, "patients/care.html", banner_of(patient) | context)


@require_POST
def assign_carer(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Assign a clinician or a team to the patient."""
    patient = find_patient(request, patient_id)
    care = care_of(patient)
    assign(patient, _asked(request, care.other_clinicians, care.other_teams), request)
    messages.success(request, _("Care team changed."))
    return redirect("patients:care", patient.pk)


@require_POST
def unassign_carer(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Remove a clinician or a team from the patient. Users may remove themselves."""
    patient = find_patient(request, patient_id)
    try:
        unassign(patient, _asked(request, patient.clinicians.all(), patient.teams.all()), request)
    except LastCarer:
        messages.error(request, _("No one would be left to see this patient. Assign someone else first."))
    except ResponsibleClinician:
        messages.error(request, _("The responsible clinician cannot be removed. Responsibility is handed over first."))
    except MayNotRemove:
        messages.error(request, _("Only the responsible clinician and team leads remove others. You can remove yourself."))
    else:
        messages.success(request, _("Care team changed."))
    if not Patient.objects.sought_by(request.user).filter(pk=patient.pk).exists():
        return redirect("patients:list")
    return redirect("patients:care", patient.pk)


@require_POST
@password_before_change
def hand_over_responsibility(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Replace the responsible clinician as a lead, or ask a colleague to take over from oneself."""
    patient = find_patient(request, patient_id)
    successor = get_object_or_404(_successors(patient), pk=number_in(request.POST.get("clinician", "")) or 0)
    if leads_care_of(request.user, patient):
        make_responsible(patient, successor, request)
        messages.success(request, _("Care team changed."))
    elif patient.responsible_id == request.user.pk:
        ask_to_be_responsible(patient, successor, request.user, request)
        messages.success(request, _("Asked. Your colleague confirms it; both of you see it under Notices."))
    else:
        messages.error(request, _("Only a team lead replaces the responsible clinician."))
    return redirect("patients:care", patient.pk)


def _successors(patient: Patient) -> QuerySet[User]:
    """Return the clinicians who look after the patient and are not responsible."""
    return carers_of(patient).exclude(pk=patient.responsible_id or 0)


def _asked(request: ClinicianRequest, clinicians: QuerySet[User], teams: QuerySet[Team]) -> Carer:
    """Return the clinician or the team that the form names. Raises Http404 for any other."""
    clinician, team = request.POST.get("clinician", ""), request.POST.get("team", "")
    number = number_in(clinician or team)
    return get_object_or_404(clinicians, pk=number) if clinician else get_object_or_404(teams, pk=number)
