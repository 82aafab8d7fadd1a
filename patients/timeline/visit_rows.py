"""The table of visits on the patient's page."""

from dataclasses import dataclass
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models.formats import clinic_today, day, percent, signed
from patients.timeline.page import Timeline
from patients.timeline.plot.cards import NO_ID
from patients.timeline.plot.sparkline import GlyphShape, IntervalGlyph, interval_glyph
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import in_words

SHOWN = 8
"""How many visits are listed at first."""


class Shape(NamedTuple):
    """What rows of the table may have or not: all else is text, and rows of one shape differ in it alone."""

    has_photos: bool
    has_note: bool
    most: str  # the expression with the largest mean probability; empty when no photo counts
    glyph: GlyphShape | None


@dataclass(frozen=True)
class VisitRow:
    """One visit with its point. `number` counts visits from the first, which is 1."""

    number: int
    href: str
    point: VisitPoint
    glyph: IntervalGlyph | None
    mood: int | None
    is_today: bool

    @property
    def shape(self) -> Shape:
        """What the row has."""
        top = self.point.top[:1]
        return Shape(
            self.point.total > 0, self.point.has_note, top[0].expression if top else "", self.glyph.shape if self.glyph else None
        )

    @property
    def texts(self) -> dict[str, str]:
        """What the row says."""
        point = self.point
        texts = {"href": self.href, "day": day(point.date), "name": self.name, "mood": "–" if self.mood is None else str(self.mood)}
        if not point.total:
            return texts
        return texts | {
            "used": str(point.used),
            "of_total": _("of %(total)s") % {"total": point.total},
            "valence": signed(point.valence),
            "basis": self.basis,
            "mean": percent(point.top[0].mean) if point.top else "",
        }

    @property
    def name(self) -> str:
        """The visit as "Visit 3"; "Today" for one of today."""
        return _("Today") if self.is_today else _("Visit %(n)s") % {"n": self.number}

    @property
    def basis(self) -> str:
        """The interval, or how few photos count, as in "−0.77 to −0.06" and "one photo"; empty when none does."""
        if self.point.interval:
            return in_words(self.point.interval)
        used = self.point.used
        return ngettext("one photo", "%(n)s photos", used) % {"n": used} if used else ""


def visit_rows(shown: Timeline, most: int | None = None) -> list[VisitRow]:
    """Return the visits, newest first, with or without photos; at most the `most` newest."""
    last = [*enumerate(shown.visits, start=1)][-most:] if most else [*enumerate(shown.visits, start=1)]
    rows, today = [], clinic_today()
    href = reverse("patients:visit", args=[NO_ID])  # once: it takes as long as the rest of a row
    for number, point in reversed(last):
        report = shown.reports.get(point.visit_id)
        glyph = interval_glyph(point, shown.baseline)
        own = href.replace(str(NO_ID), str(point.visit_id))
        rows.append(VisitRow(number, own, point, glyph, report.mood if report else None, point.date == today))
    return rows
