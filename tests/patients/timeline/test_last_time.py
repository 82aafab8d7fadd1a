"""A visit beside the one before it, in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from patients.timeline.last_time import LastTime, last_time
from tests.patients.timeline.visits import FIRST, visit_on, weekly

TODAY = FIRST + timedelta(weeks=1)


def beside(*valences: float, before: float = 0.1, model: str = "1.0.0") -> LastTime:
    """Return a visit with these photos beside one with three photos of `before`."""
    points = [*weekly(before), visit_on(FIRST + timedelta(weeks=1), *valences, model=model)]
    found = last_time(points, points[-1])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("valence", "words"),
    [
        (0.35, "0.25 higher than on 5 Jan 2026 (0.10)"),
        (-0.2, "0.30 lower than on 5 Jan 2026 (0.10)"),
        (0.103, "The same as on 5 Jan 2026 (0.10)"),
    ],
)
def test_the_change_is_told_with_its_day_and_value(valence: float, words: str) -> None:
    assert beside(valence, valence, valence).change == words


def test_the_change_is_that_of_the_printed_values() -> None:
    assert beside(0.126, 0.126, 0.126, before=0.124).change == "0.01 higher than on 5 Jan 2026 (0.12)"
    assert beside(0.1249, 0.1249, 0.1249, before=0.1151).change == "The same as on 5 Jan 2026 (0.12)"


def test_last_time_is_another_day() -> None:
    points = [*weekly(0.1), visit_on(TODAY, 0.2, 0.2, 0.2, number=1), visit_on(TODAY, 0.5, 0.5, 0.5, number=2)]
    found = last_time(points, points[-1])
    assert found is not None
    assert found.before == points[0]
    assert last_time(points[1:], points[-1]) is None


def test_a_difference_that_may_be_chance_is_said_to_be_so() -> None:
    assert beside(0.4, 0.4, 0.4).certainty == (
        "The 95% interval of the difference is 0.30 to 0.30. Visits vary more than the photos of one visit."
    )
    assert beside(-0.9, 0.4, 0.9).certainty.endswith("includes zero, so it may be due to chance.")
    assert beside(0.4, 0.4).certainty == "An interval needs at least three photos on each side."


def test_another_model_at_the_visit_before_is_named() -> None:
    assert "Another model" in beside(0.4, 0.4, 0.4, model="2.0.0").certainty
    assert "Another model" not in beside(0.4, 0.4, 0.4).certainty


def test_the_nearest_earlier_visit_with_photos_that_count_is_taken() -> None:
    points = [*weekly(0.1, 0.2), visit_on(FIRST + timedelta(weeks=2), failed=2), *weekly(0.5, first=FIRST + timedelta(weeks=3))]
    found = last_time(points, points[-1])
    assert found is not None
    assert found.before is points[1]
    assert found.query == f"a={points[1].visit_id}&b={points[-1].visit_id}"


def test_there_is_nothing_to_compare_with_at_the_first_visit_or_without_photos_that_count() -> None:
    points = weekly(0.1, 0.2)
    assert last_time(points, points[0]) is None
    assert last_time(points, replace(points[1], used=0)) is None
    assert last_time(points, visit_on(FIRST + timedelta(weeks=5))) is None
