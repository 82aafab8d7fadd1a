"""The page of a visit: upload, photo cards and the summary."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from patients.care.banner import banner_of
from patients.forms.visit import VisitForm
from patients.models import LastViewed
from patients.readings.visit_page import visit_page, visit_state
from patients.views.lookups import find_visit, photos_of
from patients.views.requests import ClinicianRequest, render_form


@require_GET
def show_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Show the drop zone, the photos and their summary."""
    visit = find_visit(request, visit_id)
    context = visit_page(visit, photos_of(request, visit), request.user, request.GET.get("show", ""))
    LastViewed.now(visit.patient, request.user)
    return render(request, "patients/visit.html", context)


@require_GET
def show_state(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Send the current summary and counts of the filters."""
    visit = find_visit(request, visit_id)
    context = visit_state(visit, photos_of(request, visit), request.GET.get("show", ""))
    LastViewed.now(visit.patient, request.user)
    return render(request, "patients/_visit_state.html", context)


@require_http_methods(["GET", "POST"])
def edit_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Change the date or the note."""
    visit = find_visit(request, visit_id)
    form = VisitForm(request.POST or None, instance=visit)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Visit saved."))
        return redirect("patients:visit", visit.pk)
    cancel = reverse("patients:visit", args=[visit.pk])
    context = banner_of(visit.patient) | {"form": form, "visit": visit, "title": _("Change visit"), "cancel": cancel}
    return render_form(request, "patients/visit_form.html", context)
