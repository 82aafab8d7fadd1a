"""The patient's record: the timeline, the visits, and the forms that add or change them."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from patients.audit.outcome import made, unchanged
from patients.care.banner import banner_of
from patients.forms.once import save_once
from patients.forms.patient import PatientForm
from patients.forms.visit import VisitForm
from patients.models import Draft, LastViewed, Visit
from patients.models.formats import clinic_today
from patients.readings.agreement import labels_by_photo
from patients.timeline.page import timeline
from patients.timeline.visit_rows import SHOWN, visit_rows
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, render_form


@require_GET
def show_patient(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show the timeline, the visits and every number. Where there are many, htmx requests the table of numbers alone."""
    patient = find_patient(request, patient_id)
    asks_all = request.GET.get("numbers") == "all"
    labels = {} if asks_all and request.htmx else labels_by_photo(request.user, patient)
    shown = timeline(patient, labels, request.user.timeline_rows, asks_all)
    if asks_all and request.htmx:
        return render(request, "patients/_timeline_numbers.html", {"timeline": shown})
    context = banner_of(patient) | {
        "timeline": shown,
        "visits": visit_rows(shown, None if request.GET.get("visits") == "all" else SHOWN),
        "visits_count": len(shown.visits),
        "events_count": len(shown.events),
    }
    LastViewed.now(patient, request.user)
    return render(request, "patients/patient.html", context)


@require_http_methods(["GET", "POST"])
def add_patient(request: ClinicianRequest) -> HttpResponse:
    """Add a patient and assign them to the clinician."""
    form = PatientForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        patient = form.saved()
        if patient is not None:
            Draft.forget(request.user, request.path)
            messages.success(request, _("Patient added. Now record their consent."))
            return redirect("patients:consents", patient.pk)
    return render(
        request,
        "patients/patient_form.html",
        {"form": form, "section": "patients", "title": _("Add patient"), "cancel": reverse("patients:list")},
    )


@require_http_methods(["GET", "POST"])
def edit_patient(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Correct name, date of birth or record number."""
    patient = find_patient(request, patient_id)
    form = PatientForm(request, request.POST or None, instance=patient)
    if request.method == "POST" and form.is_valid() and form.saved() is not None:
        messages.success(request, _("Changes saved."))
        return redirect("patients:detail", patient.pk)
    stored = find_patient(request, patient_id)  # not the instance that the form has changed
    cancel = reverse("patients:detail", args=[patient.pk])
    context = {"form": form, "patient": stored, "section": "patients", "title": _("Edit patient"), "cancel": cancel}
    return render_form(request, "patients/patient_form.html", context)


@require_http_methods(["GET", "POST"])
def add_visit(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Add a visit, by default today, and open it for photos."""
    patient = find_patient(request, patient_id)
    today = clinic_today()
    visit = Visit(patient=patient, created_by=request.user)
    form = VisitForm(request.POST or None, instance=visit, initial={"date": today})
    if request.method == "POST" and form.is_valid():
        visit, is_new = save_once(form, request.POST.get("form_token", ""))
        if is_new:
            made(request, visit)
        else:
            unchanged(request, is_shown=False)
        return redirect("patients:visit", visit.pk)
    context = banner_of(patient) | {
        "form": form,
        "form_token": uuid4(),
        "same_day": patient.visits.filter(date=today).first(),
        "title": _("New visit"),
        "cancel": reverse("patients:detail", args=[patient.pk]),
    }
    return render_form(request, "patients/visit_form.html", context)
