"""Reports on paper: shown as they will be printed, then made as a PDF in the background."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from patients.audit.outcome import unchanged
from patients.care.banner import banner_of
from patients.forms.report import ReportForm
from patients.models import Patient, Visit
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.pdf import template_of
from patients.reports.paper.report import CONTEXTS
from patients.tasks.begin import begin_report
from patients.views.lookups import find_patient, find_visit
from patients.views.requests import ClinicianRequest


@require_http_methods(["GET", "POST"])
def report_on_patient(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the report of the record; after a POST its PDF is made, and is among the tasks."""
    return _report(request, find_patient(request, patient_id))


@require_http_methods(["GET", "POST"])
def report_on_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Show the report of one visit; after a POST its PDF is made, and is among the tasks."""
    visit = find_visit(request, visit_id)
    return _report(request, visit.patient, visit)


def _report(request: ClinicianRequest, patient: Patient, visit: Visit | None = None) -> HttpResponse:
    sent = request.POST if request.method == "POST" else request.GET
    form = ReportForm(patient, sent or None, of_visit=visit is not None)
    chosen = form.cleaned_data if form.is_valid() else {}
    options = ReportOptions(visit=str(visit.pk) if visit else "", **chosen)
    if request.method == "POST" and form.is_valid():
        begin_report(patient, visit, form, request.user)
        messages.success(request, _("The report is being made. You find it here, for 24 hours."))
        return redirect("patients:tasks")
    is_bad = request.method == "POST" or bool(form.errors)
    if request.method == "POST":
        unchanged(request, is_shown=True)
    row = visit or patient
    shown = chosen or form.initial
    context = {
        "layout": "patients/report.html",
        "report_form": form,
        "report_url": reverse("patients:visit_report" if visit else "patients:report", args=[row.pk]),
        "choices": [(name, "on" if value is True else value) for name in form.fields if (value := shown.get(name))],
        "visit": visit,
    }
    sheet = CONTEXTS[bool(visit)](patient, options, request.user)
    return render(request, template_of(options), sheet | context | banner_of(patient), status=400 if is_bad else 200)
