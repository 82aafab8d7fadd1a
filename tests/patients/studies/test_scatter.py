"""The figure of a correlation within people."""

import pytest

from patients.studies.scatter import deviations, scatter

PAIRS = {"A": [(0.0, 10.0), (0.2, 8.0)], "B": [(-0.4, 20.0), (-0.2, 18.0), (0.0, 16.0)], "C": [(0.9, 1.0)]}


def test_every_visit_is_shown_minus_the_persons_own_mean() -> None:
    assert [pytest.approx(pair) for pair in deviations(PAIRS)] == [(-0.1, 1.0), (0.1, -1.0), (-0.2, 2.0), (0.0, 0.0), (0.2, -2.0)]


def test_axes_are_symmetric_and_the_line_is_the_common_slope() -> None:
    figure = scatter(PAIRS)
    assert figure is not None
    assert [tick.label for tick in figure.xs] == ["−0.2", "0.0", "0.2"]
    assert [tick.label for tick in figure.ys] == ["2", "0", "−2"]
    assert figure.dots == ((155.0, 53.5), (385.0, 108.5), (40.0, 26.0), (270.0, 81.0), (500.0, 136.0))
    assert figure.line == (40.0, 26.0, 500.0, 136.0)


def test_there_is_no_figure_without_change() -> None:
    assert scatter({"A": [(0.1, 1.0), (0.1, 4.0)]}) is None
    assert scatter({}) is None
