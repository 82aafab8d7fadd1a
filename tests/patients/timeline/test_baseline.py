"""The usual range against numbers worked out by hand."""

from dataclasses import replace
from datetime import date

import pytest

from patients.timeline.baseline import Place, baseline_of, chosen_that_count, outside
from patients.timeline.interval import Interval
from tests.patients.timeline.visits import as_baseline, baseline_from, visit_on, weekly

# Nine visits: sum -0.35, moving ranges .09 .11 .15 .09 .11 .18 .06 .13 with the sum .92.
NINE = (-0.10, -0.01, -0.12, 0.03, -0.06, 0.05, -0.13, -0.07, 0.06)


def test_range_is_mean_and_266_hundredths_of_the_mean_moving_range() -> None:
    baseline = baseline_of(as_baseline(weekly(*NINE, 0.9), range(9)))
    assert baseline is not None
    assert baseline.mean == pytest.approx(-0.35 / 9)
    assert baseline.low == pytest.approx(-0.35 / 9 - 2.66 * 0.92 / 8)  # -0.3448
    assert baseline.high == pytest.approx(-0.35 / 9 + 2.66 * 0.92 / 8)  # 0.2670
    assert (baseline.n, baseline.is_chosen, baseline.is_provisional) == (9, True, False)


def test_four_visits_give_a_provisional_range() -> None:
    baseline = baseline_of(weekly(0.0, 0.1, 0.0, 0.1))
    assert baseline is not None
    assert (baseline.low, baseline.high) == pytest.approx((-0.216, 0.316))  # 0.05 ± 2.66 × 0.1
    assert (baseline.n, baseline.is_provisional, baseline.is_chosen) == (4, True, False)


def test_three_visits_give_none() -> None:
    assert baseline_of(weekly(0.0, 0.1, 0.0)) is None


def test_visit_of_which_no_photo_counts_is_no_baseline_visit() -> None:
    points = weekly(0.0, 0.1, 0.0)
    points.append(visit_on(points[-1].date, unfinished=3))
    assert baseline_of(points) is None


def test_without_a_choice_the_first_eight_visits_count() -> None:
    first_eight = baseline_of(weekly(*NINE[:8]))
    later = baseline_of(weekly(*NINE[:8], 0.9, 0.9, 0.9, 0.9))
    assert first_eight is not None
    assert later is not None
    assert (later.low, later.high) == (first_eight.low, first_eight.high)
    assert not later.is_provisional


def test_too_few_chosen_visits_give_none_instead_of_another_range() -> None:
    assert baseline_of(as_baseline(weekly(*NINE), [0, 1, 2])) is None


def test_chosen_visits_of_which_none_counts_any_more_give_none_instead_of_another_range() -> None:
    points = [*weekly(*NINE), replace(visit_on(date(2026, 11, 2), unfinished=3), is_baseline=True)]
    assert baseline_of(points) is None
    assert chosen_that_count(points) == 0
    assert chosen_that_count(weekly(*NINE)) is None


def test_range_names_the_models_of_its_visits() -> None:
    points = weekly(0.0, 0.1, model="1.2.0") + weekly(0.0, 0.1, first=weekly(0.0)[0].date.replace(month=6), model="1.10.0")
    baseline = baseline_of(points)
    assert baseline is not None
    assert baseline.model_versions == ("1.2.0", "1.10.0")


def test_place_is_judged_as_printed() -> None:
    baseline = baseline_from(-0.344, 0.266)  # printed -0.34 and 0.27
    places = [baseline.place(point) for point in weekly(-0.346, -0.344, -0.336, 0.0, 0.274, 0.276)]
    assert places == [Place.BELOW, Place.INSIDE, Place.INSIDE, Place.INSIDE, Place.INSIDE, Place.ABOVE]
    assert baseline.place(visit_on(weekly(0.0)[0].date, unfinished=1)) is None


def test_interval_reaches_into_the_range_or_not() -> None:
    baseline = baseline_from(-0.34, 0.27)
    assert baseline.is_reached_by(Interval(-0.77, -0.06))
    assert baseline.is_reached_by(Interval(-0.9, -0.34))
    assert not baseline.is_reached_by(Interval(-0.9, -0.36))
    assert not baseline.is_reached_by(Interval(0.28, 0.5))


def test_outside_lists_visits_newest_first() -> None:
    points = weekly(0.5, 0.0, -0.5, 0.1)
    assert [point.valence for point in outside(points, baseline_from(-0.3, 0.3))] == pytest.approx([-0.5, 0.5])
    assert outside(points, None) == []
