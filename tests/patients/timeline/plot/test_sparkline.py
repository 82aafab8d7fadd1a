"""The small drawings, in pixels of the mock-up they follow."""

from datetime import date, timedelta

import pytest

from patients.timeline.plot.sparkline import Band, interval_glyph, sparkline, twelve_months
from tests.patients.timeline.visits import baseline_from, visit_on

TODAY = date(2026, 11, 20)
BASELINE = baseline_from(-0.34, 0.27)


def test_twelve_months_end_with_the_running_one() -> None:
    assert twelve_months(TODAY) == (date(2025, 12, 1), date(2026, 11, 30))
    assert twelve_months(date(2026, 12, 31)) == (date(2026, 1, 1), date(2026, 12, 31))
    assert twelve_months(date(2028, 2, 29)) == (date(2027, 3, 1), date(2028, 2, 29))


def test_dots_stand_where_their_day_and_value_are() -> None:
    spark = sparkline([visit_on(date(2025, 12, 9), -0.07), visit_on(TODAY, -0.47)], BASELINE, TODAY)
    assert [(dot.x, dot.y) for dot in spark.dots] == [(8.4, 23.8), (198.5, 34.1)]
    assert [(dot.is_outside, dot.is_last, dot.is_sparse) for dot in spark.dots] == [(False, False, True), (True, True, True)]
    assert spark.band == Band(at=15.1, size=15.6)


def test_scale_is_the_same_for_everyone_and_ends_at_seven_tenths() -> None:
    first, last = (visit_on(TODAY + timedelta(days=k), value) for k, value in ((0, 0.7), (1, -0.95)))
    assert [dot.y for dot in sparkline([first, last], None, TODAY).dots] == [4.0, 40.0]


def test_older_visits_and_those_without_a_mean_are_left_out() -> None:
    points = [visit_on(date(2025, 11, 30), 0.1), visit_on(date(2025, 12, 1), 0.1), visit_on(date(2026, 1, 1), failed=1)]
    spark = sparkline(points, None, TODAY)
    assert spark.visits == 1
    assert spark.band is None
    assert spark.paths == ()


def test_line_breaks_at_a_long_gap() -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 7, 1), date(2026, 8, 1)]
    spark = sparkline([visit_on(day, 0.0) for day in days], None, TODAY)
    assert [path.count("L") for path in spark.paths] == [1, 1]
    assert spark.paths[0].startswith("M21.0 22.0L")


@pytest.mark.parametrize(("width", "zero", "dot", "band"), [(132, 66, 36.9, Band(44.9, 37.8)), (278, 139, 75.6, Band(93.1, 82.3))])
def test_glyph_lies_on_the_axis_from_minus_one_to_one(width: int, zero: int, dot: float, band: Band) -> None:
    glyph = interval_glyph(visit_on(TODAY, -0.47, -0.47, -0.47), BASELINE, width)
    assert glyph is not None
    assert (glyph.drawn["zero"], glyph.drawn["axis"]) == (f"M{zero}.0 2v16", f"M4 10H{width - 4}")
    assert glyph.dot == dot
    assert glyph.band is not None
    assert (glyph.band.at, glyph.band.size) == pytest.approx((band.at, band.size))
    assert glyph.start == glyph.end == dot
    assert (glyph.is_outside, glyph.is_sparse) == (True, False)


def test_glyph_of_two_photos_has_no_line_and_of_none_is_none() -> None:
    glyph = interval_glyph(visit_on(TODAY, 0.1, 0.2), None)
    assert glyph is not None
    assert (glyph.start, glyph.end, glyph.band, glyph.is_sparse, glyph.is_outside) == (None, None, None, True, False)
    assert interval_glyph(visit_on(TODAY, failed=1), BASELINE) is None
