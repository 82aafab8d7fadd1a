"""The 95 % interval: exact for means that can be worked out by hand, and always the same."""

import pytest

from patients.timeline.interval import bootstrap
from tests.patients.timeline.visits import FIRST, visit_on


@pytest.mark.parametrize(
    ("values", "high"),
    [
        # The resampled mean is k/n with k binomial(n, 1/n). The 97.5 % point follows from its tail:
        ([0, 0, 1], 1.0),  # P(k >= 3) = 1/27 = 0.037
        ([0, 0, 0, 1], 0.75),  # P(k >= 3) = 0.051, P(k >= 4) = 0.004
        ([0, 0, 0, 0, 1], 0.6),  # P(k >= 3) = 0.058, P(k >= 4) = 0.007
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0.3),  # P(k >= 3) = 0.070, P(k >= 4) = 0.013
    ],
)
def test_interval_of_one_among_zeros_is_binomial(values: list[float], high: float) -> None:
    (interval,) = bootstrap([(value,) for value in values])
    assert interval.low == 0.0
    assert interval.high == pytest.approx(high)


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
    sad = point.shares[4]
    assert sad.expression == "sad"
    assert sad.interval is not None
    assert sad.interval.low >= 0
