"""What to compare: two visits by name, or two periods, as an address asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.forms.days import DayField
from patients.timeline.compare import Comparison, Side, compare, side
from patients.timeline.points import VisitPoint
from patients.timeline.sides import Sides

HALF_YEAR = timedelta(days=182)


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


@dataclass(frozen=True)
class Asked:
    """Both forms, filled as asked."""

    offered: Sides
    visits: VisitsForm
    periods: PeriodForm
    is_by_period: bool

    @property
    def form(self) -> VisitsForm | PeriodForm:
        """The form that was asked with."""
        return self.periods if self.is_by_period else self.visits

    def comparison(self) -> Comparison:
        """Return the comparison that a valid form asks for. It has no rows when no photo counts on one side."""
        first, second = self.periods.sides(self.offered.known) if self.is_by_period else self.visits.sides()
        return Comparison(first, second, tuple(compare(first, second)), self.offered.baseline)


def asked_in(query: Mapping[str, str], offered: Sides) -> Asked:
    """Return what the parameters ask for; by default the last two visits with photos that count. Needs two such visits."""
    is_by_period = "a_from" in query
    last_two = visits_named(*offered.known[-2:])
    asked = {name: query.get(name, value) for name, value in last_two.items()}
    visits = VisitsForm(offered, last_two if is_by_period else asked)
    return Asked(offered, visits, PeriodForm(query if is_by_period else None, initial=halves(offered.known)), is_by_period)


def visits_named(first: VisitPoint, second: VisitPoint) -> dict[str, str]:
    """Return the parameters that compare two visits."""
    return {"a": str(first.visit_id), "b": str(second.visit_id)}


def _periods(first: tuple[date, date], second: tuple[date, date]) -> dict[str, str]:
    days = zip(("a_from", "a_to", "b_from", "b_to"), (*first, *second), strict=True)
    return {name: value.isoformat() for name, value in days}


def halves(known: Sequence[VisitPoint]) -> dict[str, str]:
    """Return the half year that ends at the last visit, and the one before it."""
    last = known[-1].date
    recent = last - HALF_YEAR + timedelta(days=1)
    return _periods((last - 2 * HALF_YEAR + timedelta(days=1), recent - timedelta(days=1)), (recent, last))
