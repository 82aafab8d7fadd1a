"""What can be compared: visits by name, and the baseline visits together."""

from datetime import timedelta

import pytest

from patients.timeline.baseline import baseline_of
from patients.timeline.compare import Comparison, compare, side, side_of
from patients.timeline.difference import certainty, difference_in_words
from patients.timeline.points import VisitPoint
from patients.timeline.sides import Sides
from tests.patients.timeline.visits import FIRST, baseline_from, visit_on, weekly

LATER = FIRST + timedelta(weeks=20)


def test_visits_are_named_by_day_photos_that_count_and_kind() -> None:
    points = [visit_on(FIRST, 0.1, 0.2, excluded=2), visit_on(LATER, 0.9)]
    ((group, visits),) = Sides(points, None).choices
    assert group == "Visits"
    assert [label for _, label in visits] == ["25 May 2026 · 1 of 1 photo", "5 Jan 2026 · 2 of 4 photos"]
    (_, visits), (_, several) = Sides(points, baseline_from(-0.5, 0.5)).choices
    assert visits[0][1] == "25 May 2026 · above usual range · 1 of 1 photo"
    assert several == [("baseline", "8 baseline visits")]


def test_visits_of_one_day_are_told_apart() -> None:
    points = [visit_on(FIRST, 0.1, number=1), visit_on(FIRST, 0.5, number=2)]
    sides = Sides(points, None)
    assert sides.side(str(points[1].visit_id)).name == "5 Jan 2026 (visit 2 of 2)"
    assert sides.side(str(points[1].visit_id)).points == (points[1],)


def test_baseline_visits_are_one_side_whatever_lies_between() -> None:
    points = [visit_on(FIRST + timedelta(weeks=k), 0.1) for k in range(9)]
    chosen = [VisitPoint(**{**vars(point), "is_baseline": k != 4}) for k, point in enumerate(points[:8])] + points[8:]
    found = Sides(chosen, baseline_of(chosen)).side("baseline")
    assert (found.name, found.visits) == ("Baseline visits", 7)
    assert chosen[4] not in found.points


def test_a_visit_that_is_none_of_the_patient_is_no_side() -> None:
    with pytest.raises(IndexError):
        Sides(weekly(0.1), None).side("baseline")


def words(first: float, second: float) -> str:
    sides = side_of([visit_on(FIRST, first)]), side_of([visit_on(LATER, second)])
    return difference_in_words(Comparison(*sides, tuple(compare(*sides)), None))


def test_difference_is_told_in_words_with_printed_numbers() -> None:
    assert words(0.1, 0.4) == "The valence index was 0.30 higher on 25 May 2026 (0.40) than on 5 Jan 2026 (0.10)."
    assert words(0.4, 0.1) == "The valence index was 0.30 lower on 25 May 2026 (0.10) than on 5 Jan 2026 (0.40)."
    assert words(0.101, 0.1) == "The valence index was 0.10 on both days."
    periods = side(weekly(0.1, 0.1), FIRST, LATER), side(weekly(0.3, 0.3), FIRST, LATER)
    found = Comparison(*periods, tuple(compare(*periods)), None)
    assert difference_in_words(found) == "The mean valence index was 0.20 higher in the second (0.30) than in the first (0.10)."


def test_many_visits_on_both_sides_need_no_warning() -> None:
    many = side(weekly(*[0.1] * 8), FIRST, LATER), side(weekly(*[0.5] * 8), FIRST, LATER)
    assert certainty(compare(*many)[0]) == "The 95% interval of the difference is 0.40 to 0.40."
