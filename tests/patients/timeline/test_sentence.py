"""The sentence above the figure, word for word."""

from datetime import date, timedelta

import pytest

from patients.timeline.interval import Interval
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import in_words, sentence
from tests.patients.timeline.visits import baseline_from, visit_on, weekly

LAST = date(2026, 11, 20)


def test_last_visit_below_the_range() -> None:
    points = [*weekly(0.3, 0.2, 0.1, 0.0), visit_on(LAST, -0.6, -0.6, -0.6, unfinished=2)]
    said = sentence(points, baseline_from(-0.34, 0.27))
    assert said.first == (
        "At the last visit, 20 November 2026, the valence index was −0.60 (95% interval −0.60 to −0.60; "
        "3 of 5 photos used so far), below this patient’s usual range of −0.34 to 0.27."
    )
    assert said.rest == "The interval lies below it too. On average the photos most resembled sad, then neutral."


def test_a_range_wider_than_the_scale_is_told_up_to_its_ends() -> None:
    assert "usual range of −1.00 to 0.27" in sentence(weekly(0.1), baseline_from(-1.34, 0.27)).first


def test_interval_that_reaches_the_range_is_said() -> None:
    said = sentence([visit_on(LAST, -0.9, -0.5, -0.1)], baseline_from(-0.34, 0.27))
    assert "below this patient’s usual range" in said.first
    assert said.rest.startswith("The interval still reaches into that range.")


def test_inside_and_above() -> None:
    inside, above = (sentence([visit_on(LAST, value, value, value)], baseline_from(-0.34, 0.27)) for value in (0.1, 0.5))
    assert "inside this patient’s usual range of −0.34 to 0.27." in inside.first
    assert "above this patient’s usual range of −0.34 to 0.27." in above.first


def test_few_photos_have_no_interval_and_few_visits_no_range() -> None:
    said = sentence([visit_on(LAST, -0.2)], None)
    assert said.first == (
        "At the last visit, 20 November 2026, the valence index was −0.20 "
        "(no interval with fewer than three photos; 1 of 1 photo used)."
    )
    assert said.rest.startswith("A usual range needs four visits with photos that count.")


def test_provisional_range_is_called_so() -> None:
    assert "The range is provisional, based on five visits." in sentence(weekly(0.0), baseline_from(-0.3, 0.3, n=5)).rest


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ((0.4, 0.3, 0.2, 0.1), "The index was lower at each of the last three visits than at the one before."),
        ((0.1, 0.2, 0.3, 0.4), "The index was higher at each of the last three visits than at the one before."),
        ((0.4, 0.3, 0.2), ""),
        ((0.4, 0.3, 0.2, 0.2), ""),
        ((0.5, 0.4, 0.3, 0.2, 0.3), ""),
        ((0.304, 0.303, 0.302, 0.301), ""),  # all are printed as 0.30
    ],
)
def test_direction_takes_three_visits_in_a_row(means: tuple[float, ...], words: str) -> None:
    rest = sentence(weekly(*means), None).rest
    assert rest.endswith(words)
    assert ("at each of the last" in rest) is bool(words)


def test_direction_does_not_cross_a_change_of_the_model() -> None:
    points = [*weekly(0.5, 0.4, model="1.2.0"), *weekly(0.3, 0.2, first=date(2026, 1, 20), model="1.3.0")]
    assert "at each of the last" not in sentence(points, None).rest


def test_last_visit_without_a_photo_that_counts_falls_back() -> None:
    said = sentence([*weekly(0.25), visit_on(LAST, failed=2)], None)
    assert said.first == "At the last visit, 20 November 2026, 2 photos were taken and none counts yet."
    assert said.rest == "The last visit before it with photos that count was 5 January 2026: valence index 0.25."


def test_last_visit_without_a_photo_that_counts_is_not_the_last_of_all() -> None:
    since = [LAST + timedelta(days=5)]
    later = "The later visit on 25 Nov 2026 has no photos."
    assert sentence([visit_on(LAST, failed=3)], None, since).rest == later
    said = sentence([*weekly(0.25), visit_on(LAST, failed=3)], None, since)
    assert said.rest == f"{later} The last visit before it with photos that count was 5 January 2026: valence index 0.25."


def test_no_visit_at_all() -> None:
    assert str(sentence([], None)) == "No visit has photos yet."


def test_minus_is_a_minus_and_zero_has_none() -> None:
    assert in_words(Interval(-0.771, -0.001)) == "−0.77 to 0.00"
    assert in_words(None) == "no interval"


def test_words_never_claim_to_know_a_feeling() -> None:
    points: list[VisitPoint] = [*weekly(0.4, 0.2, 0.1, -0.1), visit_on(LAST, -0.9, -0.8, -0.9, unfinished=1)]
    for baseline in (None, baseline_from(-0.3, 0.3, n=5)):
        text = str(sentence(points, baseline)).lower()
        assert not any(word in text for word in ("emotion", "is sad", "mood", "feels", "alert", "diagnos"))
