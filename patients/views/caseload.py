"""My patients: search, filters and order."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import replace_url

from patients.audit.outcome import lists
from patients.models import LastViewed, Patient, Team, TeamAssignment, User
from patients.models.formats import clinic_today
from patients.models.names import folded
from patients.models.patient import seen
from patients.timeline.case_rows import case_rows
from patients.timeline.caseload import FILTERS, ORDERS, Asked, Caseload
from patients.timeline.directory import Directory
from patients.timeline.plot.sparkline import twelve_months
from patients.views.requests import ClinicianRequest

PAGE = 50
RECENT = 3


@dataclass(frozen=True)
class Head:
    """The head of a column: the order that a click asks for, and how the rows are sorted now (empty: not by this column)."""

    asks: str
    direction: str


@require_GET
def show_caseload(request: ClinicianRequest) -> HttpResponse:
    """Show the patients assigned to the clinician. While someone types a search, htmx requests only the table."""
    teams = _teams(request.user)
    chosen = _chosen(request, teams)
    words, show, team = request.GET.get("q", "").strip(), chosen.get("show", ""), chosen.get("team", "")
    most = None if "all" in request.GET else PAGE
    caseload = Caseload(request.user, Asked(words, show, team, chosen.get("sort", ""), most))
    totals, found = caseload.totals, caseload.found
    shown = case_rows(found.shown)
    first = [] if "sort" in chosen else [row for row in shown if row.is_new]
    recent = _recent(request.user, caseload.directory)
    lists(request, (patient.pk for patient in (*(row.patient for row in shown), *recent)))
    context = {
        "total": totals.total,
        "withheld": caseload.withheld,
        "in_team": totals.in_team,
        "found": found.in_all,
        "new": first,
        "others": shown[len(first) :],
        "counts": {name.replace("-", "_"): count for name, count in totals.counts.items()},
        "recent": recent,
        "words": words,
        "teams": sorted(((str(key), name) for key, name in teams.items()), key=lambda each: folded(each[1])),
        "heads": {name: _head(name, chosen.get("sort", "")) for name in ORDERS},
        "is_cut": len(shown) < found.in_all,
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


def _teams(user: User) -> dict[int, str]:
    """Return the names of the teams that look after a patient whom the clinician sees, by id."""
    theirs = TeamAssignment.objects.filter(seen(user, "patient"), team=OuterRef("pk"))
    return dict(Team.objects.filter(Exists(theirs)).values_list("pk", "name"))


def _chosen(request: ClinicianRequest, teams: Iterable[int]) -> dict[str, str]:
    """Return the filters and the order that the address asks for and that exist."""
    exist = {"show": [*FILTERS], "team": [str(team) for team in teams], "sort": [*ORDERS, *(f"-{name}" for name in ORDERS)]}
    return {name: request.GET[name] for name, values in exist.items() if request.GET.get(name) in values}


def _head(name: str, sort: str) -> Head:
    """Return the head of a column: names from A first, numbers and days from the largest."""
    usual = name if name == "name" else f"-{name}"
    other = f"-{name}" if name == "name" else name
    direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return Head(other if sort == usual else usual, direction)


def _recent(user: User, directory: Directory) -> list[Patient]:
    """Return which of the patients in the directory the clinician opened most recently."""
    looks = LastViewed.objects.filter(seen(user, "patient"), clinician=user).select_related("patient").order_by("-viewed_at")
    broken = {UUID(key) for key in directory.broken}
    return [look.patient for look in looks[: 2 * RECENT] if look.patient_id not in broken][:RECENT]
