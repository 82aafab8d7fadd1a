"""Two visits or two periods of one patient, side by side."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from patients.care.banner import banner_of
from patients.readings.comparison import HALF_YEAR, asked_in, halves, visits_named
from patients.timeline.baseline import baseline_of
from patients.timeline.difference import certainty, difference_in_words
from patients.timeline.sides import BASELINE, Sides
from patients.timeline.summaries import visits_by_patient
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest


@dataclass(frozen=True)
class Shortcut:
    """A shortcut to a common comparison."""

    name: str
    query: str


@require_GET
def show_comparison(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show both sides with the difference; by default the last two visits with photos that count."""
    patient = find_patient(request, patient_id)
    visits = visits_by_patient([patient.pk])[patient.pk]
    offered = Sides([point for point in visits if point.used], baseline_of(visits))
    context = banner_of(patient) | {"visits_count": len(visits)}
    if len(offered.known) > 1:
        context |= {"shortcuts": _shortcuts(offered)} | _asked(request, offered)
    return render(request, "patients/compare.html", context)


def _asked(request: ClinicianRequest, offered: Sides) -> dict[str, object]:
    """Return both forms, and the comparison that one of them asks for."""
    asked = asked_in(request.GET, offered)
    context: dict[str, object] = {
        "visits_form": asked.visits,
        "period_form": asked.periods,
        "is_by_period": asked.is_by_period,
    }
    if not asked.form.is_valid():
        return context
    found = asked.comparison()
    if not found.rows:
        return context | {"is_empty": True}
    return context | {"found": found, "difference": difference_in_words(found), "certainty": certainty(found.valence)}


def _shortcuts(offered: Sides) -> list[Shortcut]:
    """Return the common comparisons for which there are visits."""
    known, baseline = offered.known, offered.baseline
    first, last = known[0], known[-1]
    found = [(_("Last two visits"), visits_named(*known[-2:]))]
    if len(known) > 2:
        found.append((_("First and last visit"), visits_named(first, last)))
    if baseline is not None and last.visit_id not in baseline.visit_ids:
        found.append((_("Baseline visits and last visit"), {"a": BASELINE, "b": str(last.visit_id)}))
    if first.date <= last.date - HALF_YEAR:
        found.append((_("Last six months and the six before"), halves(known)))
    return [Shortcut(name, urlencode(query)) for name, query in found]
