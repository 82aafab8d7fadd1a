"""Means by week since the first visit: visits within two weeks of weeks 0, 4 … 24, averaged over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from patients.studies.group import Group, Person

WEEKS = tuple(range(0, 25, 4))
HALF_WINDOW_WEEKS = 2.0
LEAST_FOR_LINES = 10
"""In a study of fewer people, a faint line of one person could be recognised."""


@dataclass(frozen=True)
class GroupMean:
    """The mean of one arm around one week over `people`. `low` and `high` are its 95% t interval."""

    week: int
    people: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Trajectory:
    """One arm over the weeks. `counts` says how many people each week of WEEKS has, None below the smallest cell."""

    arm: str
    means: tuple[GroupMean, ...]
    counts: tuple[int | None, ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]  # week and value of each person; empty where too few

    @property
    def last(self) -> GroupMean | None:
        """Return the last mean that is drawn."""
        return self.means[-1] if self.means else None


def nearest_week(week: float) -> int | None:
    """Return the week of WEEKS whose window holds this time, the earlier one halfway between two; None outside."""
    nearest = min(WEEKS, key=lambda mark: (abs(week - mark), mark))
    return nearest if abs(week - nearest) <= HALF_WINDOW_WEEKS else None


def by_window(person: Person, measure: str) -> dict[int, float]:
    """Return the person's mean in each window, so that everyone counts once however often they came."""
    found: dict[int, list[float]] = {}
    for week, value in person.series(measure):
        mark = nearest_week(week)
        if mark is not None:
            found.setdefault(mark, []).append(value)
    return {mark: fmean(values) for mark, values in found.items()}


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95% t interval of the mean. Raises StatisticsError below two values."""
    # Imported here: a web process does not need it before someone opens a study.
    from scipy.special import stdtrit

    half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def trajectories(group: Group, measure: str) -> list[Trajectory]:
    """Return one trajectory per arm. A mean over fewer people than the smallest cell is not part of it."""
    least = max(group.study.smallest_cell, 2)
    has_lines = len(group.people) >= LEAST_FOR_LINES
    return [_trajectory(arm, group.in_arm(arm), measure, least, has_lines) for arm in group.arms]


def _trajectory(arm: str, people: Sequence[Person], measure: str, least: int, has_lines: bool) -> Trajectory:
    windows = [by_window(person, measure) for person in people]
    means, counts = [], []
    for week in WEEKS:
        values = [window[week] for window in windows if week in window]
        is_shown = len(values) >= least
        counts.append(len(values) if is_shown or not values else None)
        if is_shown:
            means.append(GroupMean(week, len(values), fmean(values), *t_interval(values)))
    end = WEEKS[-1] + HALF_WINDOW_WEEKS
    lines = tuple(tuple(pair for pair in person.series(measure) if pair[0] <= end) for person in people)
    return Trajectory(arm, tuple(means), tuple(counts), lines if has_lines and len(people) >= least else ())
