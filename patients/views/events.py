"""Events on the timeline: add, change, remove."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patients.audit.outcome import made, unchanged
from patients.care.banner import banner_of
from patients.forms.event import EventForm
from patients.forms.once import save_once
from patients.models import Event
from patients.views.lookups import find_event, find_patient
from patients.views.requests import ClinicianRequest, render_form


@require_http_methods(["GET", "POST"])
def add_event(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Add an event to a patient."""
    patient = find_patient(request, patient_id)
    event = Event(patient=patient, created_by=request.user)
    return _edit(request, event, _("Event added."))


@require_http_methods(["GET", "POST"])
def edit_event(request: ClinicianRequest, event_id: UUID) -> HttpResponse:
    """Change an event."""
    return _edit(request, find_event(request, event_id), _("Event saved."))


@require_POST
def delete_event(request: ClinicianRequest, event_id: UUID) -> HttpResponse:
    """Remove an event."""
    event = find_event(request, event_id)
    event.delete()
    messages.success(request, _("Event deleted."))
    return redirect("patients:detail", event.patient_id)


def _edit(request: ClinicianRequest, event: Event, done: str) -> HttpResponse:
    is_new = event._state.adding
    form = EventForm(request.POST or None, instance=event)
    if request.method == "POST" and form.is_valid():
        _save(request, form, is_new)
        messages.success(request, done)
        return redirect("patients:detail", event.patient_id)
    context = banner_of(event.patient) | {
        "form": form,
        "form_token": uuid4() if is_new else None,
        "event": None if is_new else event,
        "title": _("Add event") if is_new else _("Change event"),
        "cancel": reverse("patients:detail", args=[event.patient_id]),
    }
    return render_form(request, "patients/event_form.html", context)


def _save(request: ClinicianRequest, form: EventForm, is_new: bool) -> None:
    if not is_new:
        form.save()
        return
    event, is_first = save_once(form, request.POST.get("form_token", ""))
    if is_first:
        made(request, event)
    else:
        unchanged(request, is_shown=False)
