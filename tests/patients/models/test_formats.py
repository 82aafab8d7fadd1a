"""Every place prints a number alike: the visit, the comparison, the sentence, the card over the figure and the CSV file."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.template import Context, Template
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from ml.serve.expressions import valence_index
from patients.models.formats import MINUS, day, decimal, hundredths, of_hundred, percent, rounded, rounded_all, signed
from patients.readings.visit_summary import VisitSummary
from patients.reports.csv_export import csv_cell
from patients.templatetags.timeline import in_points
from patients.timeline.compare import ComparisonRow, compare, side
from patients.timeline.last_time import last_time
from patients.timeline.plot.figure import figure
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import sentence
from tests.patients.timeline.visits import FIRST, weekly

INDEX = st.floats(-1, 1, allow_subnormal=False)
SHARE = st.floats(0, 1, allow_subnormal=False)


def half_up(text: str, places: str = "0.01") -> Decimal:
    """Return the number rounded as a spreadsheet does."""
    return Decimal(text).quantize(Decimal(places), ROUND_HALF_UP)


def number(text: str) -> Decimal:
    """Return the number that was printed."""
    return Decimal(text.replace(MINUS, "-"))


def difference(first: VisitPoint, second: VisitPoint) -> ComparisonRow:
    """Return the row of the valence index."""
    row, *_shares = compare(*(side([first, second], point.date, point.date) for point in (first, second)))
    return row


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.125, "0.13"), (-0.125, "−0.13"), (0.285, "0.29"), (0.1 + 0.185, "0.29"), (-0.004, "0.00"), (1, "1.00"), (0.9999, "1.00")],
)
def test_halves_go_away_from_zero_and_there_is_no_negative_zero(value: float, text: str) -> None:
    assert signed(value) == text


@given(INDEX)
def test_page_prints_the_rounded_number_of_the_csv_file(value: float) -> None:
    exported = csv_cell(value)
    assert half_up(exported) == number(signed(value)) == Decimal(str(rounded(value)))
    assert half_up(exported, "0.1") == number(signed(value, 1))
    assert abs(Decimal(exported) - Decimal(value)) <= Decimal("0.0000501")


@given(st.lists(INDEX))
def test_thousands_of_numbers_are_rounded_as_one_is(values: list[float]) -> None:
    values += [0.125, -0.125, 0.285, 0.1 + 0.185, -0.004, 1, 0.9999]
    assert rounded_all(values) == [rounded(value) for value in values]


@given(SHARE)
def test_percents_agree_with_the_csv_file(share: float) -> None:
    whole = int(half_up(csv_cell(share)) * 100)
    assert hundredths(share) == whole
    assert percent(share) == (f"{whole}%" if whole else "<1%")


def test_percent_sign_follows_the_language() -> None:
    assert (percent(0.71), of_hundred(0.0)) == ("71%", "0%")
    with override("de"):
        assert (percent(0.71), percent(0.001)) == ("71\u00a0%", "<1 %")


@given(INDEX, INDEX)
def test_difference_is_that_of_the_printed_numbers_in_every_place(before: float, after: float) -> None:
    points = weekly(before, after)
    row = difference(*points)
    by = number(signed(after)) - number(signed(before))
    assert Decimal(signed(row.difference).replace(MINUS, "-")) == by
    found = last_time(points, points[1])
    assert found is not None
    words = f"{abs(by)} higher than" if by > 0 else f"{abs(by)} lower than" if by < 0 else "The same as"
    assert found.change == f"{words} on 5 Jan 2026 ({signed(before)})"
    interval = row.difference_interval
    assert interval is not None
    assert interval.low <= row.difference <= interval.high
    assert not (row.excludes_zero and by == 0)


@given(SHARE, SHARE)
def test_difference_of_shares_is_that_of_the_printed_percents(first: float, second: float) -> None:
    row = ComparisonRow("sad", first, second, None, None, None)
    by = hundredths(second) - hundredths(first)
    assert in_points(row.difference) == ("0" if by == 0 else f"{MINUS if by < 0 else '+'}{abs(by)}")


@given(st.lists(INDEX, min_size=3, max_size=6))
def test_sentence_summary_comparison_and_card_print_the_same_index(valences: list[float]) -> None:
    last = weekly(0.0, 0.0)[1]
    shares = tuple((0.0, 0.0, 0.0, max(each, 0.0), max(-each, 0.0), 0.0, 1.0 - abs(each)) for each in valences)
    last = VisitPoint(last.visit_id, last.date, used=len(valences), model_versions=("1.0.0",), photo_probabilities=shares)
    points = [*weekly(0.1), last]
    mean = sum(valence_index(each) for each in shares) / len(shares)
    printed = signed(mean)
    assert f"the valence index was {printed} (" in sentence(points, None).first
    assert figure(points, None)["visits"][1]["valence"] == printed
    assert signed(difference(*points).second) == printed
    shown = Template("{% load look %}{{ summary.point.valence|signed }}").render(
        Context({"summary": VisitSummary(last, None, None, "")})
    )
    assert shown == printed


def test_more_places_than_the_csv_file_has_are_kept() -> None:
    assert decimal(0.123456, 5) == "0.12346"
    assert signed(1234.5, 0) == "1235"
    assert rounded(FIRST.toordinal()) == FIRST.toordinal()


def test_a_day_is_written_in_the_language_of_each_reader() -> None:
    written = []
    for language in ("en", "de", "en"):
        with override(language):
            written.append(day(date(2026, 3, 9)))
    assert written == ["9 Mar 2026", "9. März 2026", "9 Mar 2026"]
