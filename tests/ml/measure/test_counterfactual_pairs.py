"""Counterfactual pairs whose comparison is known."""

import numpy as np
import pytest

from ml.measure.counterfactual_pairs import Pairs, compare, is_beyond, mean_over_meshes
from ml.measure.fairness import compare_remedy
from ml.serve.expressions import EXPRESSIONS

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")


def pairs(moved: float, meshes: int = 6, each: int = 4) -> Pairs:
    """Return pairs in which the probability `moved` goes from happy to sad; happy is intended."""
    count = meshes * each
    first = np.zeros((count, len(EXPRESSIONS)))
    first[:, HAPPY] = 1.0
    second = first.copy()
    second[:, HAPPY] -= moved
    second[:, SAD] += moved
    return Pairs(np.repeat(np.arange(meshes), each), np.full(count, HAPPY), first, second)


def test_pair_read_alike_differs_by_nothing() -> None:
    found = compare(pairs(0.0))
    assert found["moved"] == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 24}
    assert found["renamed"]["value"] == 0


def test_probability_that_moves_is_reported_with_its_sign() -> None:
    found = compare(pairs(0.3))
    assert found["moved"]["value"] == pytest.approx(0.3)
    assert found["intended"]["value"] == pytest.approx(-0.3)
    assert found["valence"]["value"] == pytest.approx(-0.6)
    assert found["probabilities"]["sad"]["value"] == pytest.approx(0.3)
    assert found["renamed"]["value"] == 0
    assert compare(pairs(0.6))["renamed"]["value"] == 1


def test_interval_counts_meshes_and_not_pictures() -> None:
    by_mesh = np.repeat([0.0, 1.0], 50)
    wide = mean_over_meshes(by_mesh, np.repeat([0, 1], 50))
    narrow = mean_over_meshes(by_mesh, np.arange(100))
    assert (wide["low"], wide["high"]) == (0.0, 1.0)
    assert narrow["high"] - narrow["low"] < 0.3


def test_few_meshes_have_wider_intervals_than_plain_percentiles() -> None:
    values = np.random.default_rng(3).normal(size=8)
    found = mean_over_meshes(values, np.arange(8))
    means = values[np.random.default_rng(5).integers(0, 8, (20000, 8))].mean(axis=1)
    low, high = np.percentile(means, [0.57, 99.43])  # where Student's distribution with 7 degrees of freedom puts them
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=0.06), pytest.approx(high, abs=0.06))
    assert found["high"] - found["low"] > 1.2 * float(np.subtract(*np.percentile(means, [97.5, 2.5])))


def test_remedy_is_compared_pair_by_pair() -> None:
    found = compare_remedy(pairs(0.2), pairs(0.3))
    assert found["moved"]["value"] == pytest.approx(0.2)
    assert found["moved_more"]["high"] == pytest.approx(-0.1)


def test_beyond_the_noise_means_above_every_disturbance() -> None:
    noise = {"seed": compare(pairs(0.05)), "light": compare(pairs(0.1))}
    assert is_beyond(compare(pairs(0.2)), noise)
    assert not is_beyond(compare(pairs(0.08)), noise)
