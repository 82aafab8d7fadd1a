"""The mixed model against a reference computed by hand, and what happens where it cannot be fitted."""

from math import sqrt

import numpy as np
import pytest

from patients.studies.mixed import Observation, fit

TIMES = (0.0, 1.0, 2.0, 3.0, 4.0)


def balanced(people: int, noise: float, slope_sd: float, start_sd: float = 0.2) -> list[Observation]:
    """Return people of two arms who were all seen at the same times, from a seeded generator."""
    random = np.random.default_rng(20261)
    rows = []
    for k in range(2 * people):
        arm = "treatment" if k < people else "waiting list"
        start, slope = -0.25 + start_sd * random.normal(), (0.06 if k < people else 0.01) + slope_sd * random.normal()
        rows += [Observation(f"P{k}", arm, t, start + slope * t + noise * random.normal()) for t in TIMES]
    return rows


def by_hand(rows: list[Observation]) -> list[tuple[float, float]]:
    """Return estimate and standard error of the four terms, in closed form.

    With everyone seen at the same times, the fixed effects are the means of the people's own least-squares lines, and their REML
    covariance is the pooled covariance of those lines over the number of people (Laird & Ware, 1982; the estimate lies inside the
    allowed region here).
    """
    design = np.column_stack([np.ones(len(TIMES)), TIMES])
    lines: dict[str, list[np.ndarray]] = {"treatment": [], "waiting list": []}
    for number in dict.fromkeys(each.person for each in rows):
        own = [each for each in rows if each.person == number]
        lines[own[0].arm].append(np.linalg.lstsq(design, np.array([each.value for each in own]), rcond=None)[0])
    treated, waiting = (np.array(each) for each in lines.values())
    n = len(treated)
    pooled = ((n - 1) * np.cov(treated.T) + (n - 1) * np.cov(waiting.T)) / (2 * n - 2)
    difference = treated.mean(axis=0) - waiting.mean(axis=0)
    terms = []
    for k in (0, 1):
        terms += [(waiting.mean(axis=0)[k], sqrt(pooled[k, k] / n)), (difference[k], sqrt(2 * pooled[k, k] / n))]
    return terms


def test_balanced_design_gives_the_closed_form() -> None:
    rows = balanced(people=12, noise=0.08, slope_sd=0.04)
    found = fit(rows, ["treatment", "waiting list"])
    assert found["outcome"] == "fitted"
    told = [(term["kind"], term["arm"], term["is_difference"]) for term in found["terms"]]
    assert told == [
        ("start", "waiting list", False),
        ("start", "treatment", True),
        ("change", "waiting list", False),
        ("change", "treatment", True),
    ]
    for term, (estimate, error) in zip(found["terms"], by_hand(rows), strict=True):
        assert term["estimate"] == pytest.approx(estimate, abs=1e-6)
        assert term["error"] == pytest.approx(error, rel=2e-3)
        assert (term["low"], term["high"]) == pytest.approx((estimate - 1.95996 * error, estimate + 1.95996 * error), abs=5e-4)
    assert [term["people"] for term in found["terms"]] == [12, 24, 12, 24]


def test_slope_is_dropped_where_people_do_not_differ_in_it() -> None:
    found = fit(balanced(people=8, noise=0.1, slope_sd=0.0), ["treatment", "waiting list"])
    assert found["outcome"] == "without_slope"
    assert found["random"]["slope"] is None
    assert len(found["terms"]) == 4


def test_model_fails_where_people_do_not_differ_at_all() -> None:
    rows = [
        Observation(f"P{k}", "one", t, 0.1 * t + (0.05 if (k + i) % 2 else -0.05)) for k in range(6) for i, t in enumerate(TIMES)
    ]
    assert fit(rows, ["one"])["outcome"] == "failed"


def test_one_group_has_a_start_and_a_change() -> None:
    rows = [each for each in balanced(people=12, noise=0.08, slope_sd=0.04) if each.arm == "treatment"]
    found = fit(rows, ["treatment"])
    assert [(term["kind"], term["is_difference"]) for term in found["terms"]] == [("start", False), ("change", False)]


def test_arm_whose_name_needs_quotes_is_taken_as_it_is() -> None:
    rows = [Observation(each.person, f"{each.arm} 'A\" [T.x]", each.time, each.value) for each in balanced(12, 0.08, 0.04)]
    assert fit(rows, ["treatment 'A\" [T.x]", "waiting list 'A\" [T.x]"])["outcome"] == "fitted"
