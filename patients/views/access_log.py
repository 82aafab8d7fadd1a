"""The access log of a patient."""

from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from patients.audit.report import log_page
from patients.care.banner import banner_of
from patients.forms.access_log import AccessLogForm
from patients.reports.access_csv import access_csv
from patients.reports.dialects import dialect
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, number_in


@require_GET
def show_access_log(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the access log of the patient, newest first."""
    patient = find_patient(request, patient_id)
    form = AccessLogForm(request.GET, patient)
    before = number_in(request.GET.get("before", ""))
    page = log_page(patient, request.user, form.filtered(), before, form.is_grouped)
    context = {"form": form, "log": page, "before": before}
    return render(request, "patients/access_log.html", banner_of(patient) | context)


@require_GET
def send_access_log_csv(request: ClinicianRequest, patient_id: UUID) -> StreamingHttpResponse:
    """Send the entries that the filters leave, one row each."""
    patient = find_patient(request, patient_id)
    return access_csv(
        patient, request.user, AccessLogForm(request.GET, patient).filtered(), dialect(request.GET.get("dialect", ""))
    )
