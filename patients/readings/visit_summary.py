"""The summary of one visit: its mean and interval beside the patient's baseline."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models import Visit
from patients.models.formats import signed
from patients.timeline.baseline import Baseline, Place, baseline_of
from patients.timeline.last_time import LastTime, last_time
from patients.timeline.plot.sparkline import IntervalGlyph, interval_glyph
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import too_few_chosen
from patients.timeline.summaries import visits_by_patient

GLYPH_WIDTH = 278


@dataclass(frozen=True)
class VisitSummary:
    """The numbers of one visit, compared with the patient's baseline."""

    point: VisitPoint
    baseline: Baseline | None
    last_time: LastTime | None
    too_few_chosen: str  # in words, when a chosen usual range is lost for it
    visits: list[VisitPoint] = field(default_factory=list)  # of the patient, oldest first, with or without photos

    @property
    def glyph(self) -> IntervalGlyph | None:
        """The interval on the axis from -1 to 1."""
        return interval_glyph(self.point, self.baseline, GLYPH_WIDTH)

    @property
    def named_probabilities(self) -> list[tuple[str, float]]:
        """The seven mean probabilities in label order; empty when no photo is used."""
        return [(each.expression, each.mean) for each in self.point.probabilities]

    @property
    def sentences(self) -> list[str]:
        """Sentences on how the visit compares, how certain that is, and what is still open."""
        return [text for text in (self._against_range(), self._certainty(), self._open()) if text]

    def _against_range(self) -> str:
        if self.point.valence is None:
            return _("No photo of this visit counts yet.")
        if self.baseline is None:
            return self.too_few_chosen or _("A usual range appears after four visits.")
        low, high = self.baseline.on_scale
        limits = {"low": signed(low), "high": signed(high)}
        place = self.baseline.place(self.point)
        if place is Place.BELOW:
            return _("Below the usual range of %(low)s to %(high)s.") % limits
        if place is Place.ABOVE:
            return _("Above the usual range of %(low)s to %(high)s.") % limits
        return _("Within the usual range of %(low)s to %(high)s.") % limits

    def _certainty(self) -> str:
        if self.point.is_sparse:
            return _("An interval needs three photos or more.")
        if self.baseline is None or self.point.interval is None or self.baseline.place(self.point) is Place.INSIDE:
            return ""
        return (
            _("The interval overlaps it.")
            if self.baseline.is_reached_by(self.point.interval)
            else _("The interval is outside it, too.")
        )

    def _open(self) -> str:
        texts = []
        if self.point.to_choose:
            texts.append(
                ngettext("One photo needs a face to be chosen.", "%(n)d photos need a face to be chosen.", self.point.to_choose)
            )
        if self.point.unfinished:
            texts.append(ngettext("One photo is being processed.", "%(m)d photos are being processed.", self.point.unfinished))
        return " ".join(texts) % {"n": self.point.to_choose, "m": self.point.unfinished}


def summarise(visit: Visit) -> VisitSummary:
    """Return the summary of the visit. Two queries: the usual range needs every visit of the patient."""
    visits = visits_by_patient([visit.patient_id])[visit.patient_id]
    with_photos = [point for point in visits if point.total]
    point = next((point for point in visits if point.visit_id == visit.pk), VisitPoint(visit.pk, visit.date))
    last = last_time(with_photos, point)
    return VisitSummary(point, baseline_of(with_photos), last, too_few_chosen(with_photos), visits)
