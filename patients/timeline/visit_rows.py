"""The table of visits on the patient's page."""

from dataclasses import dataclass

from patients.timeline.page import Timeline
from patients.timeline.plot.sparkline import IntervalGlyph, interval_glyph
from patients.timeline.points import Probability, VisitPoint

SHOWN = 8
"""How many visits are listed at first."""


@dataclass(frozen=True)
class VisitRow:
    """One visit with its point. `number` counts visits from the first, which is 1."""

    number: int
    point: VisitPoint
    glyph: IntervalGlyph | None
    mood: int | None

    @property
    def most(self) -> Probability | None:
        """The expression with the largest mean probability; None when no photo counts."""
        return self.point.top[0] if self.point.top else None


def visit_rows(shown: Timeline, most: int | None = None) -> list[VisitRow]:
    """Return the visits, newest first, with or without photos; at most the `most` newest."""
    last = [*enumerate(shown.visits, start=1)][-most:] if most else [*enumerate(shown.visits, start=1)]
    rows = []
    for number, point in reversed(last):
        report = shown.reports.get(point.visit_id)
        rows.append(VisitRow(number, point, interval_glyph(point, shown.baseline), report.mood if report else None))
    return rows
