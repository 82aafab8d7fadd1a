"""Exports of a visit, a patient or all patients in one's care: CSV, what its columns mean, and reports on paper."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.accounts.proof import password_before_page
from patients.care.banner import banner_of
from patients.forms.export import PHOTOS, ExportForm
from patients.forms.report import ReportForm
from patients.models import Patient, Visit
from patients.readings.wording import reason_meanings
from patients.reports.columns import COLUMNS
from patients.reports.csv_export import csv_response
from patients.reports.dialects import dialect, spreadsheet_dialects
from patients.reports.events_table import EVENT_COLUMNS
from patients.reports.everyone import Everyone
from patients.reports.fhir.bundle import bundle_response
from patients.reports.research import OWN_COLUMNS
from patients.reports.scope import Scope
from patients.reports.visits_table import VISIT_COLUMNS
from patients.tasks.run import start
from patients.views.lookups import find_patient, find_visit
from patients.views.requests import ClinicianRequest


@require_GET
def choose_patient_export(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show what can be exported of the patient."""
    return _choose_of(request, find_patient(request, patient_id))


@require_GET
def choose_visit_export(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Show what can be exported of the visit."""
    visit = find_visit(request, visit_id)
    return _choose_of(request, visit.patient, visit)


@require_GET
def choose_caseload_export(request: ClinicianRequest) -> HttpResponse:
    """Show what can be exported of everyone in the clinician's care."""
    count = Patient.objects.in_care_of(request.user).count()
    return _choose(request, {"csv_url": reverse("patients:caseload_csv"), "patient_count": count, "section": "patients"})


@require_GET
def send_patient_csv(request: ClinicianRequest, patient_id: UUID) -> HttpResponseBase:
    """Send a table of the patient as CSV, for the spreadsheets of the reader's language or as `dialect` asks."""
    patient = find_patient(request, patient_id)
    return _send(request, patient) or _choose_of(request, patient)


@require_GET
def send_visit_csv(request: ClinicianRequest, visit_id: UUID) -> HttpResponseBase:
    """Send a table of one visit as CSV, for the spreadsheets of the reader's language or as `dialect` asks."""
    visit = find_visit(request, visit_id)
    return _send(request, visit.patient, visit) or _choose_of(request, visit.patient, visit)


@require_GET
@password_before_page
def send_caseload_csv(request: ClinicianRequest) -> HttpResponseBase:
    """Send a table of all patients in the clinician's care. Each gets an entry in the access log before their rows leave."""
    form = _form(request)
    return _sent(request, form, Everyone(request), is_caseload=True) if form.is_valid() else choose_caseload_export(request)


@require_GET
def send_visit_fhir(request: ClinicianRequest, visit_id: UUID) -> HttpResponseBase:
    """Send one visit as a bundle of FHIR R4."""
    visit = find_visit(request, visit_id)
    return bundle_response(Scope([visit.patient], visit), request.user)


@require_POST
def start_fhir(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Start the bundle of the whole record in the background, and show it among the tasks."""
    start("fhir", request.user, [find_patient(request, patient_id).pk])
    messages.success(request, _("The FHIR record is being made. You find it here, for 24 hours."))
    return redirect("patients:tasks")


@require_GET
def show_data_dictionary(request: ClinicianRequest) -> HttpResponse:
    """Show the data dictionary: what each column means."""
    context = {
        "columns": COLUMNS,
        "visit_columns": VISIT_COLUMNS,
        "event_columns": EVENT_COLUMNS,
        "research_columns": OWN_COLUMNS,
        "reasons": reason_meanings(),
        "section": "dictionary",
    }
    return render(request, "patients/data_dictionary.html", context)


def _form(request: ClinicianRequest) -> ExportForm:
    own, other = spreadsheet_dialects()
    return ExportForm(request.GET, [(own.name, str(own.words)), (other.name, str(other.words))])


def _send(request: ClinicianRequest, patient: Patient, visit: Visit | None = None) -> HttpResponseBase | None:
    """Return the download; None when the address cannot be read: more than what was meant must not leave."""
    form = _form(request)
    return _sent(request, form, [patient], visit) if form.is_valid() else None


def _sent(
    request: ClinicianRequest, form: ExportForm, patients: Iterable[Patient], visit: Visit | None = None, is_caseload: bool = False
) -> HttpResponseBase:
    scope = Scope(patients, visit, *form.days, is_caseload=is_caseload)
    return csv_response(form.cleaned_data["table"] or PHOTOS, scope, request.user, dialect(form.cleaned_data["dialect"]))


def _choose_of(request: ClinicianRequest, patient: Patient, visit: Visit | None = None) -> HttpResponse:
    """Show what can be exported of a patient or of one visit."""
    row, of = (visit, "visit") if visit else (patient, "patient")
    context = {
        "csv_url": reverse(f"patients:{of}_csv", args=[row.pk]),
        "report_url": reverse("patients:visit_report" if visit else "patients:report", args=[row.pk]),
        "fhir_url": reverse(f"patients:{of}_fhir", args=[row.pk]),
        "report_form": ReportForm(patient, of_visit=visit is not None),
        "visit": visit,
        **banner_of(patient),
    }
    return _choose(request, context)


def _choose(request: ClinicianRequest, context: dict[str, object]) -> HttpResponse:
    form = _form(request)
    status = 200 if form.is_valid() else 400
    return render(request, "patients/export.html", context | {"form": form}, status=status)
