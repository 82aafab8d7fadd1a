"""Two visits or two periods of one patient, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from patients.care.banner import banner_of
from patients.formats import day
from patients.forms.days import DayField
from patients.timeline.baseline import Baseline, baseline_of
from patients.timeline.compare import Side, compare, side
from patients.timeline.points import VisitPoint, points
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest

HALF_YEAR = timedelta(days=182)


@dataclass(frozen=True)
class Shortcut:
    """A shortcut to a common comparison."""

    name: str
    query: str


class PeriodForm(forms.Form):
    """The first and last day of both sides. A visit is a period of one day."""

    a_from = DayField(label=gettext_lazy("From"))
    a_to = DayField(label=gettext_lazy("To"))
    b_from = DayField(label=gettext_lazy("From"))
    b_to = DayField(label=gettext_lazy("To"))

    def clean(self) -> dict[str, object]:
        """Return the days. A side must not end before it starts, and the sides must not share days."""
        fields: dict[str, date] = super().clean() or {}
        for name in ("a", "b"):
            first, last = fields.get(f"{name}_from"), fields.get(f"{name}_to")
            if first and last and last < first:
                self.add_error(f"{name}_to", _("The last day comes before the first."))
        if len(fields) == len(self.fields) and max(fields["a_from"], fields["b_from"]) <= min(fields["a_to"], fields["b_to"]):
            self.add_error("b_from", _("The periods share days: a visit would be compared with itself."))
        return dict(fields)

    def sides(self, known: list[VisitPoint]) -> tuple[Side, Side]:
        """Return both sides of a valid form."""
        days = self.cleaned_data
        return side(known, days["a_from"], days["a_to"]), side(known, days["b_from"], days["b_to"])


@require_GET
def show_comparison(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show both sides with the difference; by default the last two days with photos that count."""
    patient = find_patient(request, patient_id)
    taken = points(patient)
    known = [point for point in taken if point.used]
    context = banner_of(patient)
    days = sorted({point.date for point in known})
    if len(days) > 1:
        last_two = _periods((days[-2], days[-2]), (days[-1], days[-1]))
        form = PeriodForm(request.GET if "a_from" in request.GET else last_two)
        context |= {"form": form, "shortcuts": _shortcuts(known, baseline_of(taken))}
        if form.is_valid():
            first, second = form.sides(known)
            context |= {"first": first, "second": second, "rows": compare(first, second)}
    return render(request, "patients/compare.html", context)


def _periods(first: tuple[date, date], second: tuple[date, date]) -> dict[str, str]:
    days = zip(("a_from", "a_to", "b_from", "b_to"), (*first, *second), strict=True)
    return {name: value.isoformat() for name, value in days}


def _between(known: Sequence[VisitPoint], first: date, last: date) -> frozenset[UUID]:
    return frozenset(point.visit_id for point in known if first <= point.date <= last)


def _shortcuts(known: Sequence[VisitPoint], baseline: Baseline | None) -> list[Shortcut]:
    """Return the common comparisons for which there are visits.

    A side is a range of days: the baseline visits can be one only if no other visit lies between them.
    """
    days = sorted({point.date for point in known})
    first, previous, last = days[0], days[-2], days[-1]
    found = [(_("Last two visits"), _periods((previous, previous), (last, last)))]
    found.append((_("First and last visit"), _periods((first, first), (last, last))))
    if baseline is not None and baseline.last < last and baseline.visit_ids == _between(known, baseline.first, baseline.last):
        name = _("Usual visits, %(first)s to %(last)s, and the last one") % {
            "first": day(baseline.first),
            "last": day(baseline.last),
        }
        found.append((name, _periods((baseline.first, baseline.last), (last, last))))
    if first < last - HALF_YEAR:
        recent = last - HALF_YEAR + timedelta(days=1)
        found.append(
            (_("Last half year and the one before"), _periods((last - 2 * HALF_YEAR, recent - timedelta(days=1)), (recent, last)))
        )
    return [Shortcut(name, urlencode(periods)) for name, periods in found]
