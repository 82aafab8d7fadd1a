"""The table of visits on the patient's page."""

from dataclasses import dataclass

from patients.models import Patient, Visit
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


def visit_rows(patient: Patient, shown: Timeline) -> list[VisitRow]:
    """Return all visits, newest first, with or without photos. One query."""
    of = {point.visit_id: point for point in shown.points}
    rows = []
    for number, visit in enumerate(patient.visits.order_by("date", "created_at", "id"), start=1):
        point = of.get(visit.pk) or VisitPoint(visit.pk, visit.date)
        report = shown.reports.get(visit.pk)
        rows.append(VisitRow(visit, number, point, interval_glyph(point, shown.baseline), report.mood if report else None))
    return rows[::-1]
