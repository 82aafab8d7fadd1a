"""My patients: search, filters and order."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import replace_url

from patients.audit.outcome import lists
from patients.models import LastViewed, Patient, Team, TeamAssignment, User
from patients.models.formats import clinic_today
from patients.models.names import Search, folded
from patients.timeline.case_rows import ORDERS, LightRow, case_rows, in_order, light_rows
from patients.timeline.plot.sparkline import twelve_months
from patients.views.requests import ClinicianRequest

PAGE = 50
RECENT = 3
FILTERS = ("new", "needs-you", "waiting")


@dataclass(frozen=True)
class Head:
    """The head of a column: the order that a click asks for, and how the rows are sorted now (empty: not by this column)."""

    asks: str
    direction: str


@require_GET
def show_caseload(request: ClinicianRequest) -> HttpResponse:
    """Show the patients assigned to the clinician. While someone types a search, htmx requests only the table."""
    visible = Patient.objects.visible_to(request.user)
    teams = dict(
        Team.objects.filter(pk__in=TeamAssignment.objects.filter(patient__in=visible).values("team")).values_list("pk", "name")
    )
    words, chosen = request.GET.get("q", "").strip(), _chosen(request, teams)
    search, show, team = Search(words), chosen.get("show", ""), chosen.get("team", "")
    everyone, withheld = _readable(light_rows(request.user, team))
    rows = [row for row in everyone if row.in_team]
    passing = [row for row in rows if row.passes(show) and (not words or search.finds_in(row.spelt))]
    found = in_order(passing, chosen.get("sort", ""))
    shown = case_rows(found if "all" in request.GET else found[:PAGE])
    first = [] if "sort" in chosen else [row for row in shown if row.is_new]
    recent = _recent(request.user, {UUID(row.key) for row in everyone})
    lists(request, (patient.pk for patient in (*(row.patient for row in shown), *recent)))
    context = {
        "total": len(everyone),
        "withheld": withheld,
        "in_team": len(rows),
        "found": len(found),
        "new": first,
        "others": shown[len(first) :],
        "counts": {name.replace("-", "_"): sum(row.passes(name) for row in rows) for name in FILTERS},
        "recent": recent,
        "words": words,
        "teams": sorted(((str(key), name) for key, name in teams.items()), key=lambda each: folded(each[1])),
        "heads": {name: _head(name, chosen.get("sort", "")) for name in ORDERS},
        "is_cut": len(shown) < len(found),
        "shown": len(shown),
        "section": "patients",
        "months": twelve_months(clinic_today()),
        **{name: chosen.get(name, "") for name in ("show", "team", "sort")},
    }
    if not request.htmx:
        return render(request, "patients/list.html", context)
    # The address keeps filters and order, and never what is searched for: that is a name mostly.
    address = reverse("patients:list") + (f"?{urlencode(chosen)}" if chosen else "")
    return replace_url(render(request, "patients/_caseload.html", context), address)


def _readable(rows: list[LightRow]) -> tuple[list[LightRow], int]:
    """Return the rows whose names open, and how many do not: one value that was tampered with does not hide the others."""
    readable = [row for row in rows if row.opens]
    return readable, len(rows) - len(readable)


def _chosen(request: ClinicianRequest, teams: Iterable[int]) -> dict[str, str]:
    """Return the filters and the order that the address asks for and that exist."""
    exist = {"show": FILTERS, "team": [str(team) for team in teams], "sort": [*ORDERS, *(f"-{name}" for name in ORDERS)]}
    return {name: request.GET[name] for name, values in exist.items() if request.GET.get(name) in values}


def _head(name: str, sort: str) -> Head:
    """Return the head of a column: names from A first, numbers and days from the largest."""
    usual = name if name == "name" else f"-{name}"
    other = f"-{name}" if name == "name" else name
    direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return Head(other if sort == usual else usual, direction)


def _recent(user: User, shown: Container[UUID]) -> list[Patient]:
    """Return which of the patients `shown` the clinician opened most recently."""
    visible = Patient.objects.visible_to(user)
    looks = LastViewed.objects.filter(clinician=user, patient__in=visible).select_related("patient").order_by("-viewed_at")
    return [look.patient for look in looks[: 2 * RECENT] if look.patient_id in shown][:RECENT]
