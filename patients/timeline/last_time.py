"""The comparison of a visit with the one before it, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from patients.formats import day, signed
from patients.timeline.compare import ComparisonRow, Side, compare
from patients.timeline.points import VisitPoint


def days_of(before: VisitPoint, after: VisitPoint) -> dict[str, str]:
    """Return the days of two visits as query parameters of the comparison page."""
    first, second = before.date.isoformat(), after.date.isoformat()
    return {"a_from": first, "a_to": first, "b_from": second, "b_to": second}


@dataclass(frozen=True)
class LastTime:
    """A visit and the one before it; both have photos that count."""

    before: VisitPoint
    after: VisitPoint
    goes_by_day: bool = False
    """Whether one of the days has further visits with photos that count: the comparison page combines all visits of a day."""

    @property
    def query(self) -> str:
        """Return the query string of the comparison page."""
        return urlencode(days_of(self.before, self.after))

    @property
    def change(self) -> str:
        """Return by how much the index differs: "0.19 higher than on 19 Aug 2026 (0.03)"."""
        by = self._valence.difference
        facts = {"by": signed(abs(by)), "day": day(self.before.date), "value": signed(self.before.valence)}
        if by > 0:
            return _("%(by)s higher than on %(day)s (%(value)s)") % facts
        if by < 0:
            return _("%(by)s lower than on %(day)s (%(value)s)") % facts
        return _("The same as on %(day)s (%(value)s)") % facts

    @property
    def certainty(self) -> str:
        """Return how certain the difference is, with a note when different models read the two visits."""
        interval = self._valence.difference_interval
        if interval is None:
            text = _("An interval needs three photos at both visits.")
        else:
            ends = {"low": signed(interval.low), "high": signed(interval.high)}
            text = (
                _("The photos of both visits put it between %(low)s and %(high)s (95%% interval); days differ more than photos do.")
                if self._valence.excludes_zero
                else _("The 95%% interval of the difference, %(low)s to %(high)s, includes zero: it may be chance.")
            ) % ends
        if self.before.model_versions != self.after.model_versions:
            text += " " + _("Another model read the photos then: the difference may come from that.")
        return text

    @cached_property
    def _valence(self) -> ComparisonRow:
        rows = compare(*(Side(point.date, point.date, (point,)) for point in (self.before, self.after)))
        return next(row for row in rows if row.is_valence)


def last_time(points: Sequence[VisitPoint], visit: VisitPoint) -> LastTime | None:
    """Compare `visit` with the last visit of an earlier day; None unless photos count at both."""
    before = next((point for point in reversed(points) if point.date < visit.date and point.used), None)
    if before is None or not visit.used:
        return None
    same_days = [point for point in points if point.used and point.date in (before.date, visit.date)]
    return LastTime(before, visit, goes_by_day=len(same_days) > 2)
