"""The comparison of a visit with the one before it, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from patients.models.formats import day, signed
from patients.timeline.compare import ComparisonRow, compare, side_of
from patients.timeline.difference import certainty
from patients.timeline.points import VisitPoint


@dataclass(frozen=True)
class LastTime:
    """A visit and the one before it; both have photos that count."""

    before: VisitPoint
    after: VisitPoint

    @property
    def query(self) -> str:
        """Return the query string of the comparison page."""
        return urlencode({"a": self.before.visit_id, "b": self.after.visit_id})

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
        text = certainty(self._valence)
        if self.before.model_versions != self.after.model_versions:
            text += " " + _("Another model read the earlier photos, which may explain the difference.")
        return text

    @cached_property
    def _valence(self) -> ComparisonRow:
        rows = compare(*(side_of([point]) for point in (self.before, self.after)))
        return next(row for row in rows if row.is_valence)


def last_time(points: Sequence[VisitPoint], visit: VisitPoint) -> LastTime | None:
    """Compare `visit` with the last visit of an earlier day; None unless photos count at both."""
    before = next((point for point in reversed(points) if point.date < visit.date and point.used), None)
    if before is None or not visit.used:
        return None
    return LastTime(before, visit)
