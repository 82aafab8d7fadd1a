"""The table of visits on the patient's page."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models.formats import clinic_today, signed
from patients.timeline.page import Timeline
from patients.timeline.plot.cards import NO_ID
from patients.timeline.plot.sparkline import IntervalGlyph, interval_glyph
from patients.timeline.points import Probability, VisitPoint
from patients.timeline.sentence import in_words

SHOWN = 8
"""How many visits are listed at first."""


@dataclass(frozen=True)
class VisitRow:
    """One visit with its point. `number` counts visits from the first, which is 1.

    Sentences are made here, not in the template: for hundreds of rows that takes a third of the time.
    """

    number: int
    href: str
    point: VisitPoint
    glyph: IntervalGlyph | None
    mood: int | None
    is_today: bool

    @property
    def name(self) -> str:
        """The visit as "Visit 3"; "Today" for one of today."""
        return _("Today") if self.is_today else _("Visit %(n)s") % {"n": self.number}

    @property
    def valence(self) -> str:
        """The valence index; a dash when no photo counts."""
        return signed(self.point.valence)

    @property
    def of_total(self) -> str:
        """The number of its photos as "of 20"."""
        return _("of %(total)s") % {"total": self.point.total}

    @property
    def basis(self) -> str:
        """The interval, or how few photos count, as in "−0.77 to −0.06" and "one photo"; empty when none does."""
        if self.point.interval:
            return in_words(self.point.interval)
        used = self.point.used
        return ngettext("one photo", "%(n)s photos", used) % {"n": used} if used else ""

    @property
    def most(self) -> Probability | None:
        """The expression with the largest mean probability; None when no photo counts."""
        return self.point.top[0] if self.point.top else None


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
