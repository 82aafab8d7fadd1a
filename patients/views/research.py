"""The pages for researchers: how many patients consented, and the export of their numbers."""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from patients.accounts.proof import password_before_page
from patients.audit.log import record_for_each
from patients.models import AccessLog, Photo
from patients.reports.research import research_patients, research_response, research_subjects
from patients.views.requests import ClinicianRequest


@require_GET
def show_research(request: ClinicianRequest) -> HttpResponse:
    """Show how much there is to export."""
    patients = research_patients()
    context = {
        "patient_count": patients.count(),
        "photo_count": Photo.objects.filter(visit__patient__in=patients).count(),
        "section": "research",
    }
    return render(request, "patients/research.html", context)


@require_GET
@password_before_page
def send_research_csv(request: ClinicianRequest) -> StreamingHttpResponse:
    """Send the numbers of everyone who consented, after adding an entry to each access log."""
    people = research_subjects()
    record_for_each(request, AccessLog.Action.EXPORT, (patient_id for patient_id, _first in people), page="research_csv")
    return research_response(people)
