"""What can be compared: each visit with photos that count, by name, and the baseline visits together."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models.formats import day
from patients.timeline.baseline import Baseline
from patients.timeline.compare import Side, side_of
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import photos_in_words, place_in_words

BASELINE = "baseline"


@dataclass(frozen=True)
class Sides:
    """The sides that a patient's record offers. `known` are the visits with photos that count, oldest first."""

    known: Sequence[VisitPoint]
    baseline: Baseline | None

    @property
    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the options of a list, in groups: the visits, newest first, and the baseline visits."""
        visits = [(str(point.visit_id), self._in_words(point)) for point in reversed(self.known)]
        groups = [(_("Visits"), visits)]
        if self.baseline:
            text = ngettext("%(n)d baseline visit", "%(n)d baseline visits", self.baseline.n) % {"n": self.baseline.n}
            groups.append((_("Several visits"), [(BASELINE, text)]))
        return groups

    def side(self, value: str) -> Side:
        """Return the side of an option. Raises IndexError for a visit that is no option."""
        if value == BASELINE and self.baseline:
            return side_of([point for point in self.known if point.visit_id in self._baseline_ids], _("Baseline visits"))
        chosen = [point for point in self.known if str(point.visit_id) == value]
        return side_of(chosen, self._name(chosen[0]))

    @property
    def _baseline_ids(self) -> frozenset[UUID]:
        return self.baseline.visit_ids if self.baseline else frozenset()

    def _name(self, point: VisitPoint) -> str:
        """Return the day of a visit, with its place among the visits of that day if there are several."""
        same_day = [each.visit_id for each in self.known if each.date == point.date]
        if len(same_day) == 1:
            return day(point.date)
        facts = {"day": day(point.date), "place": same_day.index(point.visit_id) + 1, "n": len(same_day)}
        return _("%(day)s (visit %(place)d of %(n)d)") % facts

    def _in_words(self, point: VisitPoint) -> str:
        """Return its name, what kind of visit it is, and its photos that count: a phone cuts off the end."""
        is_baseline = point.visit_id in self._baseline_ids
        kind = _("baseline visit") if is_baseline else place_in_words(point, self.baseline) if self.baseline else ""
        return " · ".join(part for part in (self._name(point), kind, photos_in_words(point)) if part)
