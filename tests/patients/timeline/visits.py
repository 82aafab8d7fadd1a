"""Points made by hand: a visit on a day with a valence index, without a database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from patients.models import Event
from patients.timeline.baseline import Baseline
from patients.timeline.points import VisitPoint

FIRST = date(2026, 1, 5)


def probabilities_for(valence: float) -> tuple[float, ...]:
    """Return seven shares with this valence index: happy or sad, and the rest neutral."""
    return (0.0, 0.0, 0.0, max(valence, 0.0), max(-valence, 0.0), 0.0, 1.0 - abs(valence))


def visit_on(day: date, *valences: float, model: str = "1.0.0", number: int | None = None, **counts: int) -> VisitPoint:
    """Return a visit with one used photo for each valence index."""
    return VisitPoint(
        visit_id=UUID(int=day.toordinal() if number is None else number),
        date=day,
        used=len(valences),
        model_versions=(model,) if valences else (),
        photo_probabilities=tuple(probabilities_for(valence) for valence in valences),
        **counts,  # type: ignore[arg-type]  # counts only
    )


def weekly(*means: float, photos: int = 3, first: date = FIRST, model: str = "1.0.0") -> list[VisitPoint]:
    """Return weekly visits with these means, every photo alike."""
    return [visit_on(first + timedelta(weeks=k), *[mean] * photos, model=model) for k, mean in enumerate(means)]


def as_baseline(points: Sequence[VisitPoint], chosen: Iterable[int]) -> list[VisitPoint]:
    """Return the points with those at the indexes `chosen` marked as usual for the patient."""
    return [replace(point, is_baseline=k in set(chosen)) for k, point in enumerate(points)]


def baseline_from(low: float, high: float, n: int = 8) -> Baseline:
    """Return a usual range with these limits."""
    ids = frozenset(UUID(int=k) for k in range(n))
    return Baseline(low, high, (low + high) / 2, ids, FIRST, FIRST + timedelta(weeks=n - 1), ("1.0.0",))


def event(kind: str, label: str, starts_on: date, ends_on: date | None = None, goes_on: bool = False) -> Event:
    """Return an event that no database knows."""
    return Event(kind=kind, label=label, starts_on=starts_on, ends_on=ends_on, goes_on=goes_on)
