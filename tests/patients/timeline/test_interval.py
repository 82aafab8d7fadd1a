"""The 95 % interval: exact for means that can be worked out by hand, and always the same."""

import numpy as np
import pytest

from ml.intervals import student
from patients.readings.help import ANSWERS
from patients.timeline.interval import bootstrap, tail
from tests.patients.timeline.visits import FIRST, visit_on


@pytest.mark.parametrize(
    ("values", "high"),
    [
        # The resampled mean is k/n with k binomial(n, 1/n). The end follows from its tail and from how far out it is looked for:
        ([0, 0, 1], 1.0),  # 0.0005, the outermost of 2000; P(k >= 3) = 1/27
        ([0, 0, 0, 1], 1.0),  # 0.0005; P(k >= 4) = 0.004
        ([0, 0, 0, 0, 1], 0.8),  # 0.001; P(k >= 4) = 0.007, P(k >= 5) = 0.0003
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0.4),  # 0.0085; P(k >= 4) = 0.013, P(k >= 5) = 0.0016
        ([0] * 99 + [1], 0.03),  # 0.0235; P(k >= 3) = 0.079, P(k >= 4) = 0.018
    ],
)
def test_interval_of_one_among_zeros_is_binomial(values: list[float], high: float) -> None:
    (interval,) = bootstrap([(value,) for value in values])
    assert interval.low == 0.0
    assert interval.high == pytest.approx(high)


def test_ends_lie_where_students_distribution_puts_them() -> None:
    # Two-sided 95 % points of the printed tables.
    for freedom, point in ((3, 3.182), (4, 2.776), (7, 2.365), (11, 2.201), (30, 2.042), (1000, 1.962)):
        assert student(freedom) == pytest.approx(point, rel=0.01)
    assert [tail(size) for size in (3, 4, 5, 8, 12, 40, 4000)] == [1, 1, 2, 11, 22, 41, 50]


@pytest.mark.parametrize(("size", "least"), [(5, 0.87), (8, 0.90), (12, 0.91)])
def test_interval_holds_the_true_mean_nearly_as_often_as_it_says(size: int, least: float) -> None:
    # Skewed shares with mean 0.2. The plain percentile interval holds it in 81, 87 and 89 % of the cases.
    shares = np.random.default_rng(4).beta(1, 4, (size, 2000))
    held = [interval.low <= 0.2 <= interval.high for interval in bootstrap(list(map(tuple, shares)))]
    assert least < np.mean(held) < 0.97


def test_what_is_said_of_intervals_is_so() -> None:
    said = str(ANSWERS["interval"].answer)
    valences = np.random.default_rng(5).normal(0, 0.3, (8, 2000))
    shares = np.random.default_rng(4).beta(1, 4, (8, 2000))
    held = [
        np.mean([interval.low <= mean <= interval.high for interval in bootstrap(list(map(tuple, values)))])
        for values, mean in ((valences, 0), (shares, 0.2), (valences[:3], 0), (shares[:3], 0.2))
    ]
    assert "92 to 95 of 100" in said
    assert all(0.91 < share < 0.96 for share in held[:2])
    assert "about three of four" in said
    assert all(0.68 < share < 0.80 for share in held[2:])
    (of_three,) = bootstrap([(0.1,), (0.7,), (0.4,)])
    assert [of_three.low, of_three.high] == pytest.approx([0.1, 0.7])


def test_equal_photos_give_an_interval_of_no_width() -> None:
    (interval,) = bootstrap([(0.25,)] * 4)
    assert interval.low == pytest.approx(0.25)
    assert interval.high == pytest.approx(0.25)


def test_interval_does_not_depend_on_the_order_of_photos() -> None:
    photos = [(0.1, 0.9), (0.7, 0.2), (0.4, 0.4), (0.35, 0.1)]
    assert bootstrap(photos) == bootstrap(photos[::-1])


def test_interval_is_the_same_every_time() -> None:
    photos = [(0.1,), (0.7,), (0.4,), (0.2,), (0.5,)]
    assert len({bootstrap(photos) for _ in range(3)}) == 1


def test_two_photos_have_no_interval() -> None:
    assert visit_on(FIRST, 0.1, 0.3).interval is None
    assert visit_on(FIRST, 0.1, 0.3, 0.2).interval is not None
    with pytest.raises(ValueError, match="2 photos"):
        bootstrap([(0.1,), (0.2,)])


def test_interval_of_the_index_is_not_that_of_its_parts() -> None:
    point = visit_on(FIRST, -0.8, 0.0, 0.8)
    assert point.interval is not None
    assert point.interval.low < 0 < point.interval.high
    sad = point.probabilities[4]
    assert sad.expression == "sad"
    assert sad.interval is not None
    assert sad.interval.low >= 0
