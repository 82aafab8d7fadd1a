"""Who may see a patient."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.care.banner import banner_of
from patients.care.team import Carer, LastCarer, assign, care_of, unassign
from patients.models import Patient, Team, User
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, number_in


@require_GET
def show_care(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the clinicians and the teams who look after the patient."""
    patient = find_patient(request, patient_id)
    is_own = Patient.objects.in_care_of(request.user).filter(pk=patient.pk).exists()
    return render(request, "patients/care.html", banner_of(patient) | {"care": care_of(patient), "may_assign": is_own})


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
    else:
        messages.success(request, _("Care team changed."))
    if not Patient.objects.visible_to(request.user).filter(pk=patient.pk).exists():
        return redirect("patients:list")
    return redirect("patients:care", patient.pk)


def _asked(request: ClinicianRequest, clinicians: QuerySet[User], teams: QuerySet[Team]) -> Carer:
    """Return the clinician or the team that the form names. Raises Http404 for any other."""
    clinician, team = request.POST.get("clinician", ""), request.POST.get("team", "")
    number = number_in(clinician or team)
    return get_object_or_404(clinicians, pk=number) if clinician else get_object_or_404(teams, pk=number)
