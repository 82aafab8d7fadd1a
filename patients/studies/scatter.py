"""The figure of a correlation within people: each visit minus the person's own mean, with the common slope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from patients.models.formats import signed
from patients.studies.correlation import LEAST_VISITS, Pairs
from patients.studies.plot import Tick

LEFT, RIGHT, TOP, BOTTOM = 40, 500, 26, 136
WIDTH, HEIGHT = 560, 158


@dataclass(frozen=True)
class Scatter:
    """The figure in pixels, WIDTH × HEIGHT. `line` is the common slope, from its left to its right end."""

    dots: tuple[tuple[float, float], ...]
    line: tuple[float, float, float, float]
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def deviations(pairs_by_person: Mapping[str, Pairs]) -> list[tuple[float, float]]:
    """Return each pair minus the mean of its person's pairs, of people with two or more."""
    found = []
    for pairs in pairs_by_person.values():
        if len(pairs) >= LEAST_VISITS:
            mean_x, mean_y = fmean(x for x, _ in pairs), fmean(y for _, y in pairs)
            found += [(x - mean_x, y - mean_y) for x, y in pairs]
    return found


def scatter(pairs_by_person: Mapping[str, Pairs]) -> Scatter | None:
    """Return the figure; None where the first measure does not vary within anyone."""
    points = deviations(pairs_by_person)
    xx = sum(x * x for x, _ in points)
    if not xx:
        return None
    slope = sum(x * y for x, y in points) / xx
    most_x = ceil(max(abs(x) for x, _ in points) * 5 - 1e-9) / 5  # in steps of 0.2
    most_y = ceil(max(1.0, *(abs(y) for _, y in points)) / 2 - 1e-9) * 2

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            round(LEFT + (RIGHT - LEFT) * (x + most_x) / (2 * most_x), 1),
            round(TOP + (BOTTOM - TOP) * (most_y - y) / (2 * most_y), 1),
        )

    reach = min(max(abs(x) for x, _ in points), most_y / abs(slope) if slope else most_x)
    middle = at(0, 0)
    return Scatter(
        dots=tuple(at(x, y) for x, y in points),
        line=(*at(-reach, -reach * slope), *at(reach, reach * slope)),
        xs=tuple(Tick(at(x, 0)[0], signed(x, 1), x == 0) for x in (-most_x, 0.0, most_x)),
        ys=tuple(Tick(at(0, y)[1], signed(y, 0), at(0, y) == middle) for y in (most_y, 0, -most_y)),
    )
