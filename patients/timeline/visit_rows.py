"""The table of visits on the patient's page."""

from dataclasses import dataclass

from patients.models import Visit
from patients.timeline.page import Timeline
from patients.timeline.plot.sparkline import IntervalGlyph, interval_glyph
from patients.timeline.points import Probability, VisitPoint

SHOWN = 8
"""How many visits are listed at first."""


@dataclass(frozen=True)
class VisitRow:
    """One visit with its point. `number` counts visits from the first, which is 1."""

    visit: Visit
    number: int
    point: VisitPoint
    glyph: IntervalGlyph | None
    mood: int | None

    @property
    def most(self) -> Probability | None:
        """The expression with the largest mean probability; None when no photo counts."""
        return self.point.top[0] if self.point.top else None

    @property
    def has_note(self) -> bool:
        """Whether the visit has a note. The text itself is shown only on the visit's page."""
        return bool(self.visit.note)


def visit_rows(shown: Timeline, most: int | None = None) -> list[VisitRow]:
    """Return the visits, newest first, with or without photos; at most the `most` newest. One query."""
    last = [*enumerate(shown.visits, start=1)][-most:] if most else [*enumerate(shown.visits, start=1)]
    visits = Visit.objects.in_bulk([point.visit_id for _number, point in last])
    rows = []
    for number, point in reversed(last):
        report = shown.reports.get(point.visit_id)
        if visit := visits.get(point.visit_id):  # else someone deleted it meanwhile
            rows.append(VisitRow(visit, number, point, interval_glyph(point, shown.baseline), report.mood if report else None))
    return rows
