"""Repeated-measures correlation: do two measures move together from visit to visit, within the same person?

Bakdash, J. Z., & Marusich, L. R. (2017). Repeated measures correlation. Frontiers in Psychology, 8, 456.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from statistics import NormalDist, fmean

from patients.studies.group import Group

LEAST_VISITS = 2  # a person with one visit says nothing about change
Z = NormalDist().inv_cdf(0.975)
Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Correlation:
    """A correlation within people, with its 95% interval by Fisher's z. `visits` and `people` are those that entered."""

    r: float
    low: float
    high: float
    visits: int
    people: int


def repeated_measures(pairs_by_person: Mapping[str, Pairs]) -> Correlation | None:
    """Return the common-slope correlation of x and y; None where it is not defined.

    People with one pair are left out. With N pairs of k people there are N - k - 1 degrees of freedom, and Fisher's z has the
    standard error 1 / sqrt(df - 1).
    """
    used = {person: pairs for person, pairs in pairs_by_person.items() if len(pairs) >= LEAST_VISITS}
    visits, people = sum(map(len, used.values())), len(used)
    degrees = visits - people - 1
    xx = yy = xy = 0.0
    for pairs in used.values():
        mean_x, mean_y = fmean(x for x, _ in pairs), fmean(y for _, y in pairs)
        xx += sum((x - mean_x) ** 2 for x, _ in pairs)
        yy += sum((y - mean_y) ** 2 for _, y in pairs)
        xy += sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    if degrees < 2 or xx <= 0 or yy <= 0:
        return None
    r = max(-1.0, min(1.0, xy / sqrt(xx * yy)))
    if abs(r) >= 1:
        return Correlation(r, r, r, visits, people)
    half = Z / sqrt(degrees - 1)
    return Correlation(r, tanh(atanh(r) - half), tanh(atanh(r) + half), visits, people)


def pairs_with_valence(group: Group, measure: str) -> dict[str, list[tuple[float, float]]]:
    """Return the valence index and the other measure at each visit that has both, by study number."""
    found: dict[str, list[tuple[float, float]]] = {}
    for person in group.people:
        for visit in person.visits:
            x, y = visit.value("valence"), visit.value(measure)
            if x is not None and y is not None:
                found.setdefault(person.number, []).append((x, y))
    return found


def correlations(group: Group) -> dict[str, Correlation]:
    """Return the correlation of valence with each self-report, where enough people have both at two visits."""
    found = {measure: repeated_measures(pairs_with_valence(group, measure)) for measure in ("phq9", "gad7", "mood")}
    return {name: each for name, each in found.items() if each is not None and each.people >= group.study.smallest_cell}
