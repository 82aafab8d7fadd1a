"""The studies of a patient: who looks after them puts them into an arm, and records that they left."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.care.banner import banner_of
from patients.models import Arm, Consent, Study
from patients.studies.participation import NoResearchConsent, join, leave
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, number_in


@require_GET
def show_participations(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the studies of the clinician: those the patient is in, and those that the patient can join."""
    patient = find_patient(request, patient_id)
    own = Study.objects.of(request.user)
    joined = patient.participations.filter(study__in=own).prefetch_related("study__arms").order_by("study__name")
    taking_part = list(joined.select_related("study", "arm"))
    current = [each.study_id for each in taking_part if each.is_current]
    context = banner_of(patient) | {
        "participations": taking_part,
        "recruiting": own.recruiting().exclude(pk__in=current).prefetch_related("arms").order_by("name"),
        "has_consent": patient.has_consent(Consent.Purpose.RESEARCH),
        "may_enrol": patient.is_in_care_of(request.user),
    }
    return render(request, "patients/patient_studies.html", context)


@require_POST
def join_study(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Put the patient into an arm, or into another arm of a study they are in."""
    patient = find_patient(request, patient_id)
    arms = Arm.objects.filter(study__in=Study.objects.of(request.user).recruiting()).select_related("study")
    arm = get_object_or_404(arms, pk=number_in(request.POST.get("arm", "")))
    try:
        join(patient, arm, request.user, request)
    except NoResearchConsent:
        messages.error(request, _("The patient does not consent to research. Record the consent first."))
    else:
        messages.success(request, _("Study changed."))
    return redirect("patients:patient_studies", patient.pk)


@require_POST
def leave_study(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Record that the patient left a study today."""
    patient = find_patient(request, patient_id)
    own = patient.participations.filter(study__in=Study.objects.of(request.user)).select_related("patient")
    if leave(get_object_or_404(own, pk=number_in(request.POST.get("participation", ""))), request):
        messages.success(request, _("Study changed."))
    return redirect("patients:patient_studies", patient.pk)
