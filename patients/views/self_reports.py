"""The self-report of a visit, saved while someone answers or with a button."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from patients.audit.outcome import unchanged
from patients.forms.self_report import SelfReportForm, report_of
from patients.readings.visit_page import visit_page
from patients.views.lookups import find_visit, photos_of
from patients.views.requests import ClinicianRequest, redirect_back


@require_POST
def save_self_report(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Save the answers. The autosave script gets a word, the plain form a redirect."""
    visit = find_visit(request, visit_id)
    answers = request.POST.copy()
    if "clear" in answers:
        answers["mood"] = ""
    form = SelfReportForm(answers, instance=report_of(visit))
    if form.is_valid():
        form.save()
    else:
        unchanged(request, is_shown=not request.htmx)
    if request.htmx:
        context = {"form": form, "visit": visit, "is_update": True, "is_cleared": "clear" in answers}
        return render(request, "patients/_self_report_saved.html", context)
    if not form.is_valid():
        context = visit_page(visit, photos_of(request, visit), request.user, "", report_form=form)
        return render(
            request, "patients/visit.html", context | {"way_back": reverse("patients:visit", args=[visit.pk])}, status=400
        )
    messages.success(request, _("Self-report saved."))
    return redirect_back(request, "patients:visit", visit.pk)
