"""The mixed-effects model of a study: valence by time and arm, with a start and a slope of its own for each person.

One fixed formula. statsmodels and pandas are imported inside `fit`, which only a worker calls: a web process never loads them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isfinite, sqrt
from statistics import NormalDist
from typing import Any

from patients.studies.group import Group

WEEKS_PER_UNIT = 4
"""A slope is the change in four weeks."""
FORMULA = "value ~ time * C(arm, Treatment(reference))"
RANDOM = ("~ time", "~ 1")
"""Random effects per person, tried in this order: start and slope, then the start alone."""
SINGULAR = 1e-6
"""The smallest eigenvalue of the random effects' covariance, relative to the residual variance, that is not taken to be zero."""
PACKAGES = ("statsmodels", "scipy", "pandas", "numpy")
Z = NormalDist().inv_cdf(0.975)
Json = dict[str, Any]  # Any: as it is stored


@dataclass(frozen=True)
class Observation:
    """One visit with a value. `time` in units of four weeks since the person's first visit."""

    person: str
    arm: str
    time: float
    value: float


def observations(group: Group) -> list[Observation]:
    """Return every visit that has a valence index."""
    return [
        Observation(person.number, person.arm, week / WEEKS_PER_UNIT, value)
        for person in group.people
        for week, value in person.series("valence")
    ]


def why_not(group: Group) -> str:
    """Return why no model is fitted: "small" for too few people with values in an arm, else empty."""
    people = {(each.arm, each.person) for each in observations(group)}
    sizes = [sum(1 for arm, _person in people if arm == name) for name in group.arms]
    return "small" if min(sizes, default=0) < group.study.smallest_cell else ""


def fit(rows: Sequence[Observation], arms: Sequence[str]) -> Json:
    """Return the fitted model as plain JSON: its terms with 95% Wald intervals, the random effects, and what had to be dropped.

    REML by statsmodels' `mixedlm`; the last arm is the reference. `outcome` is "fitted"; "without_slope" where the model with a
    random slope did not converge or was singular; "failed" where the one without did not either: then there are no terms.
    """
    for random, outcome in zip(RANDOM, ("fitted", "without_slope"), strict=True):
        found = _fit(rows, arms, random)
        if found is not None:
            return {"outcome": outcome, "versions": versions(), **found}
    return {"outcome": "failed", "versions": versions()}


def versions() -> dict[str, str]:
    """Return the versions of the packages that compute the model."""
    return {name: version(name) for name in PACKAGES}


def _fit(rows: Sequence[Observation], arms: Sequence[str], random: str) -> Json | None:
    """Return the model with these random effects; None if it does not converge or is singular."""
    import numpy as np
    import pandas as pd
    from statsmodels.formula.api import mixedlm

    frame = pd.DataFrame(
        [(each.person, each.arm, each.time, each.value) for each in rows], columns=["person", "arm", "time", "value"]
    )
    formula = FORMULA.replace("Treatment(reference)", f"Treatment({arms[-1]!r})") if len(arms) > 1 else "value ~ time"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is checked below
        try:
            model = mixedlm(formula, frame, groups=frame["person"], re_formula=random)
            result = model.fit(reml=True, method=["bfgs", "lbfgs", "cg"])
        except (np.linalg.LinAlgError, ValueError):
            return None
    covariance = np.asarray(result.cov_re)
    errors = np.asarray(result.bse_fe)
    if not result.converged or not np.isfinite(errors).all():
        return None
    if np.linalg.eigvalsh(covariance).min() <= SINGULAR * result.scale or not isfinite(result.scale):
        return None
    names = list(result.fe_params.index)
    estimates = dict(zip(names, zip(map(float, result.fe_params), map(float, errors), strict=True), strict=True))
    return {
        "terms": _terms(rows, arms, estimates),
        "random": {
            "start": sqrt(float(covariance[0, 0])),
            "slope": sqrt(float(covariance[1, 1])) if len(covariance) > 1 else None,
            "residual": sqrt(float(result.scale)),
        },
        "formula": f"{formula}, {random} | person",
    }


def _terms(rows: Sequence[Observation], arms: Sequence[str], estimates: dict[str, tuple[float, float]]) -> list[Json]:
    """Return the terms in the order of the page: the start, the change, each of the reference and of every other arm minus it."""
    reference, terms = arms[-1], []
    for kind, own in (("start", "Intercept"), ("change", "time")):
        terms.append(_term(kind, reference, False, estimates[own], [each for each in rows if each.arm == reference]))
        for arm in arms[:-1]:
            effect = f"C(arm, Treatment({reference!r}))[T.{arm}]"
            name = effect if kind == "start" else f"time:{effect}"
            terms.append(_term(kind, arm, True, estimates[name], [each for each in rows if each.arm in (arm, reference)]))
    return terms


def _term(kind: str, arm: str, is_difference: bool, found: tuple[float, float], rows: Sequence[Observation]) -> Json:
    estimate, error = found
    return {
        "kind": kind,
        "arm": arm,
        "is_difference": is_difference,
        "estimate": estimate,
        "error": error,
        "low": estimate - Z * error,
        "high": estimate + Z * error,
        "people": len({each.person for each in rows}),
        "visits": len(rows),
    }
