"""A patient's baseline, which pages call the usual range: an individuals chart over the baseline visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from patients.models.formats import rounded
from patients.timeline.interval import Interval
from patients.timeline.points import VisitPoint, version_order

WIDTH = 2.66  # 3 / 1.128: three standard deviations, estimated from ranges of two (Shewhart individuals chart; NIST 6.3.2.2)
LEAST_VISITS = 4
SETTLED_VISITS = 8  # with fewer the range is provisional


class Place(StrEnum):
    """Where a visit lies relative to the baseline."""

    BELOW = "below"
    INSIDE = "inside"
    ABOVE = "above"


@dataclass(frozen=True)
class Limits:
    """Both ends of the range of a patient's valence index."""

    low: float
    high: float

    @property
    def on_scale(self) -> tuple[float, float]:
        """Return both limits, cut to the scale from −1 to 1, as they are printed."""
        return max(-1.0, self.low), min(1.0, self.high)

    def place(self, point: VisitPoint) -> Place | None:
        """Return where the mean of the visit lies, or None when it has none. Compared as printed.

        A visit printed as −0.29 is never outside a range printed from −0.29.
        """
        if point.valence is None:
            return None
        value = rounded(point.valence)
        if value < rounded(self.low):
            return Place.BELOW
        return Place.ABOVE if value > rounded(self.high) else Place.INSIDE

    def is_reached_by(self, interval: Interval) -> bool:
        """Whether the interval overlaps the range, both as printed."""
        low, high = rounded(interval.low), rounded(interval.high)
        return low <= rounded(self.high) and high >= rounded(self.low)


@dataclass(frozen=True)
class Baseline(Limits):
    """The range of a patient's valence index at the baseline visits: mean ± 2.66 × mean moving range."""

    mean: float
    visit_ids: frozenset[UUID]
    first: date
    last: date
    model_versions: tuple[str, ...]
    is_chosen: bool = False  # by a clinician; else the first eight visits

    @property
    def n(self) -> int:
        """Return the number of baseline visits."""
        return len(self.visit_ids)

    @property
    def is_provisional(self) -> bool:
        """Whether it is based on fewer than eight visits."""
        return self.n < SETTLED_VISITS


def baseline_of(points: Sequence[VisitPoint]) -> Baseline | None:
    """Return the baseline; None when fewer than four of its visits have a mean. `points` oldest first.

    Uses the visits that a clinician chose, however few of them still count. With none chosen, uses the first eight, so that a later
    drift shows and does not widen the range.
    """
    is_chosen = chosen_that_count(points) is not None
    known = [point for point in points if point.valence is not None]
    base = [point for point in known if point.is_baseline] if is_chosen else known[:SETTLED_VISITS]
    values = [point.valence for point in base if point.valence is not None]
    if len(values) < LEAST_VISITS:
        return None
    mean = sum(values) / len(values)
    reach = WIDTH * sum(abs(after - before) for before, after in pairwise(values)) / (len(values) - 1)
    return Baseline(
        low=mean - reach,
        high=mean + reach,
        mean=mean,
        visit_ids=frozenset(point.visit_id for point in base),
        first=base[0].date,
        last=base[-1].date,
        model_versions=tuple(sorted({name for point in base for name in point.model_versions}, key=version_order)),
        is_chosen=is_chosen,
    )


def chosen_that_count(points: Sequence[VisitPoint]) -> int | None:
    """Return how many of the visits that a clinician chose have a mean; None when none was chosen."""
    chosen = [point for point in points if point.is_baseline]
    return sum(point.valence is not None for point in chosen) if chosen else None


def outside(points: Sequence[VisitPoint], baseline: Baseline | None) -> list[VisitPoint]:
    """Return the visits whose mean lies outside the baseline, newest first."""
    if baseline is None:
        return []
    return [point for point in reversed(points) if baseline.place(point) in (Place.BELOW, Place.ABOVE)]
