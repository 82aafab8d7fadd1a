"""Repeated-measures correlation against the published example of Bland and Altman (1995)."""

import pytest

from patients.studies.correlation import repeated_measures

# Intramural pH and PaCO2 of eight people: Bland, J. M., & Altman, D. G. (1995). BMJ, 310, 446. Bakdash & Marusich (2017) give
# r = -0.51, df = 38, 95% interval -0.71 to -0.23; by Fisher's z: tanh(atanh(r) +- 1.95996 / sqrt(37)).
PH_AND_CO2 = {
    "1": [(6.68, 3.97), (6.53, 4.12), (6.43, 4.09), (6.33, 3.97)],
    "2": [(6.85, 5.27), (7.06, 5.37), (7.13, 5.41), (7.17, 5.44)],
    "3": [
        *[(7.40, 5.67), (7.42, 3.64), (7.41, 4.32), (7.37, 4.73), (7.34, 4.96)],
        *[(7.35, 5.04), (7.28, 5.22), (7.30, 4.82), (7.34, 5.07)],
    ],
    "4": [(7.36, 5.67), (7.33, 5.10), (7.29, 5.53), (7.30, 4.75), (7.35, 5.51)],
    "5": [(7.35, 4.28), (7.30, 4.44), (7.30, 4.32), (7.37, 3.23), (7.27, 4.46), (7.28, 4.72), (7.32, 4.75), (7.32, 4.99)],
    "6": [(7.38, 4.78), (7.30, 4.73), (7.29, 5.12), (7.33, 4.93), (7.31, 5.03), (7.33, 4.93)],
    "7": [(6.86, 6.85), (6.94, 6.44), (6.92, 6.52)],
    "8": [(7.19, 5.28), (7.29, 4.56), (7.21, 4.34), (7.25, 4.32), (7.20, 4.41), (7.19, 3.69), (6.77, 6.09), (6.82, 5.58)],
}


def test_published_example() -> None:
    found = repeated_measures(PH_AND_CO2)
    assert found is not None
    assert (found.visits, found.people) == (47, 8)
    assert (found.r, found.low, found.high) == pytest.approx((-0.5067697, -0.7067146, -0.2318631), abs=1e-6)


def test_person_with_one_visit_does_not_enter() -> None:
    found = repeated_measures(PH_AND_CO2 | {"9": [(7.0, 9.0)]})
    assert found == repeated_measures(PH_AND_CO2)


def test_differences_between_people_do_not_count() -> None:
    moved = {person: [(x + 3 * int(person), y - 2 * int(person)) for x, y in pairs] for person, pairs in PH_AND_CO2.items()}
    found, same = repeated_measures(moved), repeated_measures(PH_AND_CO2)
    assert found is not None
    assert same is not None
    assert found.r == pytest.approx(same.r)


@pytest.mark.parametrize(
    "pairs",
    [{}, {"1": [(1.0, 2.0)]}, {"1": [(1.0, 2.0), (2.0, 3.0)]}, {"1": [(1.0, 2.0), (1.0, 3.0), (1.0, 4.0), (1.0, 5.0)]}],
    ids=["no one", "one visit", "no degrees of freedom", "no change"],
)
def test_nothing_is_said_where_it_is_not_defined(pairs: dict[str, list[tuple[float, float]]]) -> None:
    assert repeated_measures(pairs) is None


def test_perfect_correlation_has_no_interval_beyond_it() -> None:
    found = repeated_measures({str(k): [(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)] for k in range(3)})
    assert found is not None
    assert (found.r, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))
