"""Where a line through the visits breaks: at a long gap and at a change of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from patients.timeline.points import VisitPoint

LONG = timedelta(days=90)


@dataclass(frozen=True)
class Gap:
    """More than 90 days between two visits that have a mean."""

    start: date
    end: date
    has_visits: bool = False  # visits took place, but none of their photos counts

    @property
    def days(self) -> int:
        """Return its length in days."""
        return (self.end - self.start).days

    @property
    def months(self) -> int:
        """Return its length in months of 30.4 days, rounded."""
        return round(self.days / 30.4375)

    @property
    def middle(self) -> date:
        """Return the day halfway."""
        return self.start + (self.end - self.start) / 2


@dataclass(frozen=True)
class ModelChange:
    """Two neighbouring visits whose photos were read by different models."""

    before: VisitPoint
    after: VisitPoint


def runs(points: Sequence[VisitPoint]) -> list[list[VisitPoint]]:
    """Return the stretches that may be joined by a line. Visits without a mean are left out."""
    known = [point for point in points if point.valence is not None]
    stretches = [known[:1]] if known else []
    for before, after in pairwise(known):
        if after.date - before.date > LONG or after.model_versions != before.model_versions:
            stretches.append([])
        stretches[-1].append(after)
    return stretches


def line(stretches: Sequence[Sequence[VisitPoint]]) -> list[VisitPoint | None]:
    """Return the stretches one after another, with None where the line breaks."""
    joined: list[VisitPoint | None] = []
    for stretch in stretches:
        joined += [None, *stretch] if joined else stretch
    return joined


def gaps(points: Sequence[VisitPoint]) -> list[Gap]:
    """Return the long gaps between visits that have a mean."""
    known = [point for point in points if point.valence is not None]
    found = []
    for before, after in pairwise(known):
        if after.date - before.date > LONG:
            between = any(point.valence is None and before.date <= point.date <= after.date for point in points)
            found.append(Gap(before.date, after.date, between))
    return found


def model_changes(points: Sequence[VisitPoint]) -> list[ModelChange]:
    """Return where neighbouring visits were read by different models."""
    known = [point for point in points if point.valence is not None]
    return [ModelChange(before, after) for before, after in pairwise(known) if before.model_versions != after.model_versions]
