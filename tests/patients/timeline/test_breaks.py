"""Where the line through the visits breaks."""

from datetime import date, timedelta

from patients.timeline.breaks import gaps, line, model_changes, runs
from tests.patients.timeline.visits import visit_on

DAY = date(2026, 1, 1)


def test_line_breaks_after_more_than_ninety_days() -> None:
    near = [visit_on(DAY, 0.1), visit_on(DAY + timedelta(days=90), 0.1)]
    far = [visit_on(DAY, 0.1), visit_on(DAY + timedelta(days=91), 0.1)]
    assert len(runs(near)) == 1
    assert len(runs(far)) == 2
    assert gaps(near) == []
    assert [(gap.days, gap.months, gap.has_visits) for gap in gaps(far)] == [(91, 3, False)]


def test_line_breaks_where_the_model_changes() -> None:
    points = [visit_on(DAY + timedelta(days=10 * k), 0.1, model=model) for k, model in enumerate(("1.2.0", "1.2.0", "1.3.0"))]
    assert [len(run) for run in runs(points)] == [2, 1]
    (change,) = model_changes(points)
    assert (change.before, change.after) == (points[1], points[2])


def test_visit_without_a_mean_neither_joins_nor_breaks() -> None:
    points = [visit_on(DAY, 0.1), visit_on(DAY + timedelta(days=5), failed=2), visit_on(DAY + timedelta(days=10), 0.1)]
    assert [len(run) for run in runs(points)] == [2]


def test_gap_says_when_visits_took_place_but_no_photo_counts() -> None:
    points = [visit_on(DAY, 0.1), visit_on(DAY + timedelta(days=50), failed=2), visit_on(DAY + timedelta(days=100), 0.1)]
    assert [gap.has_visits for gap in gaps(points)] == [True]


def test_broken_line_has_a_hole_between_its_stretches() -> None:
    points = [visit_on(DAY, 0.1), visit_on(DAY + timedelta(days=100), 0.2)]
    assert line(runs(points)) == [points[0], None, points[1]]
    assert line(runs([])) == []
