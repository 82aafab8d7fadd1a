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
from patients.forms.days import DayField
from patients.timeline.baseline import baseline_of
from patients.timeline.compare import Comparison, Side, compare, side
from patients.timeline.difference import certainty, difference_in_words
from patients.timeline.points import VisitPoint, points
from patients.timeline.sides import BASELINE, Sides
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest

HALF_YEAR = timedelta(days=182)


@dataclass(frozen=True)
class Shortcut:
    """A shortcut to a common comparison."""

    name: str
    query: str


class VisitsForm(forms.Form):
    """Two visits, or the baseline visits and one other, by name."""

    a = forms.ChoiceField(label=gettext_lazy("First"))
    b = forms.ChoiceField(label=gettext_lazy("Second"))

    def __init__(self, offered: Sides, data: dict[str, str]) -> None:
        super().__init__(data)
        self.offered = offered
        for field in self.fields.values():
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered.choices
            field.error_messages["invalid_choice"] = _("This visit has no photos that count, or is gone. Choose another.")

    def clean(self) -> dict[str, object]:
        """Return the options. No visit can be on both sides."""
        fields: dict[str, str] = super().clean() or {}
        if len(fields) == len(self.fields):
            first, second = self.sides()
            if {point.visit_id for point in first.points} & {point.visit_id for point in second.points}:
                self.add_error("b", _("This visit is on both sides. Choose another."))
        return dict(fields)

    def sides(self) -> tuple[Side, Side]:
        """Return both sides of a valid form."""
        return self.offered.side(self.cleaned_data["a"]), self.offered.side(self.cleaned_data["b"])


class PeriodForm(forms.Form):
    """The first and last day of both sides."""

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
                self.add_error(f"{name}_to", _("The last day is before the first."))
        if len(fields) == len(self.fields) and max(fields["a_from"], fields["b_from"]) <= min(fields["a_to"], fields["b_to"]):
            self.add_error("b_from", _("The periods overlap. Choose days that do not."))
        return dict(fields)

    def sides(self, known: Sequence[VisitPoint]) -> tuple[Side, Side]:
        """Return both sides of a valid form."""
        days = self.cleaned_data
        return side(known, days["a_from"], days["a_to"]), side(known, days["b_from"], days["b_to"])


@require_GET
def show_comparison(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show both sides with the difference; by default the last two visits with photos that count."""
    patient = find_patient(request, patient_id)
    taken = points(patient)
    offered = Sides([point for point in taken if point.used], baseline_of(taken))
    context = banner_of(patient)
    if len(offered.known) > 1:
        context |= {"shortcuts": _shortcuts(offered)} | _asked(request, offered)
    return render(request, "patients/compare.html", context)


def _asked(request: ClinicianRequest, offered: Sides) -> dict[str, object]:
    """Return both forms, and the comparison that one of them asks for."""
    known = offered.known
    is_by_period = "a_from" in request.GET
    last_two = _visits(*known[-2:])
    asked = {name: request.GET.get(name, value) for name, value in last_two.items()}
    visits = VisitsForm(offered, last_two if is_by_period else asked)
    periods = PeriodForm(request.GET if is_by_period else None, initial=_halves(known))
    context: dict[str, object] = {"visits_form": visits, "period_form": periods, "is_by_period": is_by_period}
    if is_by_period and periods.is_valid():
        return context | _compared(*periods.sides(known), offered)
    if not is_by_period and visits.is_valid():
        return context | _compared(*visits.sides(), offered)
    return context


def _compared(first: Side, second: Side, offered: Sides) -> dict[str, object]:
    found = Comparison(first, second, tuple(compare(first, second)), offered.baseline)
    if not found.rows:
        return {"is_empty": True}
    return {"found": found, "difference": difference_in_words(found), "certainty": certainty(found.valence)}


def _visits(first: VisitPoint, second: VisitPoint) -> dict[str, str]:
    return {"a": str(first.visit_id), "b": str(second.visit_id)}


def _periods(first: tuple[date, date], second: tuple[date, date]) -> dict[str, str]:
    days = zip(("a_from", "a_to", "b_from", "b_to"), (*first, *second), strict=True)
    return {name: value.isoformat() for name, value in days}


def _halves(known: Sequence[VisitPoint]) -> dict[str, str]:
    """Return the half year that ends at the last visit, and the one before it."""
    last = known[-1].date
    recent = last - HALF_YEAR + timedelta(days=1)
    return _periods((last - 2 * HALF_YEAR + timedelta(days=1), recent - timedelta(days=1)), (recent, last))


def _shortcuts(offered: Sides) -> list[Shortcut]:
    """Return the common comparisons for which there are visits."""
    known, baseline = offered.known, offered.baseline
    first, last = known[0], known[-1]
    found = [(_("Last two visits"), _visits(*known[-2:]))]
    if len(known) > 2:
        found.append((_("First and last visit"), _visits(first, last)))
    if baseline is not None and last.visit_id not in baseline.visit_ids:
        found.append((_("Baseline visits and last visit"), {"a": BASELINE, "b": str(last.visit_id)}))
    if first.date <= last.date - HALF_YEAR:
        found.append((_("Last six months and the six before"), _halves(known)))
    return [Shortcut(name, urlencode(query)) for name, query in found]
