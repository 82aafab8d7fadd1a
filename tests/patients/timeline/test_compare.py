"""Two sides: what is averaged, how sure it is, and the difference, against numbers worked out by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from patients.templatetags.timeline import in_index, in_points
from patients.timeline.compare import NAMES, Comparison, ComparisonRow, Side, compare, side
from patients.timeline.interval import Interval, bootstrap_difference
from tests.patients.timeline.visits import FIRST, baseline_from, visit_on, weekly

FAR = FIRST + timedelta(days=400)


def row(rows: list[ComparisonRow], name: str) -> ComparisonRow:
    return next(each for each in rows if each.name == name)


def test_side_holds_the_visits_of_its_days_that_have_photos_that_count() -> None:
    points = [*weekly(0.1, 0.2, 0.3), visit_on(FIRST + timedelta(days=8), failed=2)]
    chosen = side(points, FIRST + timedelta(days=7), FIRST + timedelta(days=14))
    assert [point.valence for point in chosen.points] == pytest.approx([0.2, 0.3])
    assert (chosen.visits, chosen.photos, chosen.name, chosen.is_by_visit) == (2, 6, "12 Jan 2026 to 19 Jan 2026", False)


def test_below_three_visits_photos_are_averaged() -> None:
    points = [visit_on(FIRST, 0.0, 0.0), visit_on(FIRST + timedelta(days=7), 0.9)]
    assert side(points, FIRST, FAR).means[-1] == pytest.approx(0.3)  # (0 + 0 + 0.9)/3


def test_from_three_visits_on_visits_are_averaged_however_many_photos_they_have() -> None:
    points = [visit_on(FIRST, *[0.0] * 9), *weekly(0.3, 0.6, photos=1, first=FIRST + timedelta(days=7))]
    chosen = side(points, FIRST, FAR)
    assert chosen.is_by_visit
    assert chosen.means[-1] == pytest.approx(0.3)  # (0 + 0.3 + 0.6)/3, not 0.9/11


def test_rows_start_with_the_index_and_follow_label_order() -> None:
    rows = compare(side(weekly(0.4), FIRST, FIRST), side([visit_on(FAR, -0.2, -0.2, -0.2)], FAR, FAR))
    assert [each.name for each in rows] == ["valence", *NAMES[:-1]]
    happy = row(rows, "happy")
    assert (happy.first, happy.second, happy.difference) == pytest.approx((0.4, 0.0, -0.4))
    assert row(rows, "valence").difference == pytest.approx(-0.6)
    assert happy.excludes_zero
    assert not row(rows, "angry").excludes_zero


def test_a_side_without_photos_gives_nothing() -> None:
    assert compare(side([], FIRST, FIRST), side(weekly(0.1), FIRST, FIRST)) == []


def test_few_photos_on_one_side_give_no_interval_of_the_difference() -> None:
    rows = compare(side([visit_on(FIRST, 0.1, 0.2)], FIRST, FIRST), side([visit_on(FAR, 0.4, 0.5, 0.6)], FAR, FAR))
    valence = row(rows, "valence")
    assert (valence.first_interval, valence.difference_interval) == (None, None)
    assert valence.second_interval is not None
    assert not valence.excludes_zero


def test_difference_of_two_independent_sides_is_as_wide_as_both_together() -> None:
    # One photo at 1 among three zeros on both sides: each mean is k/4 with k binomial(4, 1/4). Their difference reaches ±0.75
    # with P(>= 0.75) = 0.017 and ±1 with P(>= 1) = 0.0012; of four photos on a side the outermost resample in 2000 counts.
    (interval,) = bootstrap_difference([(0,), (0,), (0,), (1,)], [(0,), (0,), (0,), (1,)])
    assert interval == Interval(-1.0, 1.0)


def test_a_shift_moves_the_difference_by_itself() -> None:
    first, second = [(0.1,), (0.2,), (0.4,)], [(0.6,), (0.7,), (0.9,)]
    (low, high) = ((each.low, each.high) for each in bootstrap_difference(first, second)).__next__()
    assert low == pytest.approx(1.0 - high)
    assert low < 0.5 < high


def test_marks_stand_where_the_values_are() -> None:
    share = ComparisonRow("sad", 0.0, 0.5, None, Interval(0.25, 1.0), None)
    assert (share.zero, share.first_mark.x, share.second_mark.x) == (0.0, 0.0, 50.0)
    assert (share.second_mark.start, share.second_mark.end) == (25.0, 100.0)
    index = ComparisonRow("valence", -1.0, 1.0, None, None, None)
    assert (index.zero, index.first_mark.x, index.second_mark.x) == (50.0, 0.0, 100.0)


def test_usual_range_lies_on_the_axis_of_the_index() -> None:
    one, other = side(weekly(0.4), FIRST, FIRST), side(weekly(0.2), FIRST, FIRST)
    rows = tuple(compare(one, other))
    assert Comparison(one, other, rows, baseline_from(-0.5, 0.25)).band == (25.0, 37.5)
    assert Comparison(one, other, rows, baseline_from(-1.4, 1.2)).band == (0.0, 100.0)  # cut to the scale
    assert Comparison(one, other, rows, None).band is None


def test_bold_follows_what_is_printed() -> None:
    assert not ComparisonRow("sad", 0.1, 0.2, None, None, Interval(0.004, 0.2)).excludes_zero  # printed 0 to +20
    assert ComparisonRow("sad", 0.1, 0.2, None, None, Interval(0.006, 0.2)).excludes_zero
    assert ComparisonRow("sad", 0.2, 0.1, None, None, Interval(-0.2, -0.01)).excludes_zero


def test_without_a_change_days_stand_out_seldom_and_photos_of_two_days_would_often() -> None:
    rng = np.random.default_rng(1)

    def period(visits: int) -> Side:
        days = rng.normal(0, 0.12, visits)
        shown = [visit_on(FIRST + timedelta(days=k), *np.clip(rng.normal(day, 0.25, 20), -1, 1)) for k, day in enumerate(days)]
        return side(shown, FIRST, FAR)

    def rate(visits: int, name: str) -> float:
        pairs = [row(compare(period(visits), period(visits)), "valence") for _ in range(100)]
        return sum(bool(getattr(each, name)) for each in pairs) / len(pairs)

    assert rate(1, "excludes_zero") > 0.2  # where an interval that holds what it says would give 0.05
    assert rate(1, "stands_out") == 0
    assert rate(8, "stands_out") < 0.1


@pytest.mark.parametrize(("change", "text"), [(0.123, "+12"), (-0.034, "−3"), (0.004, "0"), (-0.004, "0"), (1.0, "+100")])
def test_change_is_written_in_points_with_its_sign(change: float, text: str) -> None:
    assert in_points(change) == text


@pytest.mark.parametrize(("change", "text"), [(0.3, "+0.30"), (-0.034, "−0.03"), (0.004, "0.00"), (-0.004, "0.00")])
def test_change_of_the_index_has_its_sign(change: float, text: str) -> None:
    assert in_index(change) == text


def test_sides_name_the_models_that_read_them() -> None:
    points = [visit_on(FIRST, 0.1, model="1.10.0"), visit_on(date(2026, 2, 1), 0.1, model="1.9.0")]
    assert side(points, FIRST, FAR).model_versions == ("1.9.0", "1.10.0")
