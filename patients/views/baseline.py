"""The baseline visits of a patient, and reading older photos again with the current model."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from patients.audit.outcome import unchanged
from patients.care.banner import banner_of
from patients.models import Patient
from patients.photos.reanalyse import reanalyse_outdated
from patients.timeline.baseline import LEAST_VISITS, baseline_of
from patients.timeline.plot.sparkline import interval_glyph
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import points
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, render_form


@require_http_methods(["GET", "POST"])
def choose_baseline(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Let the clinician choose the visits of the baseline; without a choice it is the first eight."""
    patient = find_patient(request, patient_id)
    taken = points(patient)
    known = [point for point in taken if point.valence is not None]
    chosen = _chosen(request, known)
    if request.method == "POST" and (not chosen or len(chosen) >= LEAST_VISITS):
        _keep(patient, chosen)
        messages.success(request, _("Usual range updated."))
        return redirect("patients:detail", patient.pk)
    baseline = baseline_of(taken)
    before = baseline.visit_ids if baseline else frozenset(point.visit_id for point in known if point.is_baseline)
    checked = chosen if request.method == "POST" else before
    context = banner_of(patient) | {
        "rows": [(point, interval_glyph(point, baseline), point.visit_id in checked) for point in reversed(known)],
        "baseline": baseline,
        "is_too_few": request.method == "POST",
    }
    return render_form(request, "patients/baseline.html", context)


@require_POST
def read_photos_again(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Queue the photos that an older model read for the current one."""
    patient = find_patient(request, patient_id)
    count = reanalyse_outdated(patient)
    if count:
        text = ngettext("%(n)d photo is being re-analysed.", "%(n)d photos are being re-analysed.", count)
        messages.success(request, text % {"n": count})
    else:
        messages.warning(request, _("No photo can be re-analysed: none is left, or consent is missing."))
        unchanged(request, is_shown=False)
    return redirect("patients:detail", patient.pk)


def _chosen(request: ClinicianRequest, known: list[VisitPoint]) -> frozenset[UUID]:
    """Return those of the chosen visits that are the patient's; none when the form asks for the first eight."""
    if "reset" in request.POST:
        return frozenset()
    asked = set(request.POST.getlist("visit"))
    return frozenset(point.visit_id for point in known if str(point.visit_id) in asked)


def _keep(patient: Patient, chosen: frozenset[UUID]) -> None:
    with transaction.atomic():
        patient.visits.exclude(pk__in=chosen).update(is_baseline=False)
        patient.visits.filter(pk__in=chosen).update(is_baseline=True)
