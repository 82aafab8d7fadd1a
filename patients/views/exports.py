"""CSV exports, and what their columns mean."""

from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from patients.readings.wording import reason_meanings
from patients.reports.columns import COLUMNS
from patients.reports.csv_export import patient_csv, visit_csv
from patients.reports.dialects import dialect
from patients.reports.research import RESEARCH_COLUMNS
from patients.views.lookups import find_patient, find_visit
from patients.views.requests import ClinicianRequest


@require_GET
def send_patient_csv(request: ClinicianRequest, patient_id: UUID) -> StreamingHttpResponse:
    """Send all photos of the patient as CSV, for the spreadsheets of the reader's language or as `dialect` asks."""
    return patient_csv(find_patient(request, patient_id), request.user, dialect(request.GET.get("dialect", "")))


@require_GET
def send_visit_csv(request: ClinicianRequest, visit_id: UUID) -> StreamingHttpResponse:
    """Send all photos of one visit as CSV, for the spreadsheets of the reader's language or as `dialect` asks."""
    return visit_csv(find_visit(request, visit_id), request.user, dialect(request.GET.get("dialect", "")))


@require_GET
def show_data_dictionary(request: ClinicianRequest) -> HttpResponse:
    """Show the data dictionary: what each column means."""
    context = {"columns": COLUMNS, "research_columns": RESEARCH_COLUMNS, "reasons": reason_meanings(), "section": "dictionary"}
    return render(request, "patients/data_dictionary.html", context)
