"""What the audit says of pairs of shares, on pairs whose answer is known."""

import numpy as np
import pytest
from PIL import Image

from ml.measure.counterfactual_pairs import Pairs, compare, is_beyond, over_meshes
from ml.measure.disturb import equalised, levelled, lit, stretched
from ml.measure.fairness import remedied
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Pixels

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")


def pairs(moved: float, meshes: int = 6, each: int = 4) -> Pairs:
    """Return pairs in which `moved` goes from happy to sad, happy being meant."""
    count = meshes * each
    first = np.zeros((count, len(EXPRESSIONS)))
    first[:, HAPPY] = 1.0
    second = first.copy()
    second[:, HAPPY] -= moved
    second[:, SAD] += moved
    return Pairs(np.repeat(np.arange(meshes), each), np.full(count, HAPPY), first, second)


def test_twins_read_alike_differ_by_nothing() -> None:
    found = compare(pairs(0.0))
    assert found["moved"] == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 24}
    assert found["renamed"]["value"] == 0


def test_share_that_moves_is_told_with_its_sign() -> None:
    found = compare(pairs(0.3))
    assert found["moved"]["value"] == pytest.approx(0.3)
    assert found["intended"]["value"] == pytest.approx(-0.3)
    assert found["valence"]["value"] == pytest.approx(-0.6)
    assert found["shares"]["sad"]["value"] == pytest.approx(0.3)
    assert found["renamed"]["value"] == 0
    assert compare(pairs(0.6))["renamed"]["value"] == 1


def test_interval_counts_meshes_and_not_pictures() -> None:
    by_mesh = np.repeat([0.0, 1.0], 50)
    wide = over_meshes(by_mesh, np.repeat([0, 1], 50))
    narrow = over_meshes(by_mesh, np.arange(100))
    assert (wide["low"], wide["high"]) == (0.0, 1.0)
    assert narrow["high"] - narrow["low"] < 0.3


def test_few_meshes_have_wider_intervals_than_plain_percentiles() -> None:
    values = np.random.default_rng(3).normal(size=8)
    found = over_meshes(values, np.arange(8))
    means = values[np.random.default_rng(5).integers(0, 8, (20000, 8))].mean(axis=1)
    low, high = np.percentile(means, [0.57, 99.43])  # where Student's distribution with 7 degrees of freedom puts them
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=0.06), pytest.approx(high, abs=0.06))
    assert found["high"] - found["low"] > 1.2 * float(np.subtract(*np.percentile(means, [97.5, 2.5])))


def test_remedy_is_compared_pair_by_pair() -> None:
    found = remedied(pairs(0.2), pairs(0.3))
    assert found["moved"]["value"] == pytest.approx(0.2)
    assert found["moved_more"]["high"] == pytest.approx(-0.1)


def test_beyond_the_noise_means_above_every_disturbance() -> None:
    noise = {"seed": compare(pairs(0.05)), "light": compare(pairs(0.1))}
    assert is_beyond(compare(pairs(0.2)), noise)
    assert not is_beyond(compare(pairs(0.08)), noise)


@pytest.fixture
def dim() -> Pixels:
    """Return a dim crop with little contrast."""
    return np.random.default_rng(1).normal(70, 9, (48, 48)).clip(0, 255).astype(np.uint8)


def test_remedies_bring_a_dim_crop_to_where_the_training_faces_are(dim: Pixels) -> None:
    assert levelled(dim, 129, 64).mean() == pytest.approx(129, abs=2)
    assert np.percentile(stretched(dim), 98) == pytest.approx(243, abs=4)
    assert equalised(dim).std() > dim.std() * 2


def test_remedies_leave_an_even_crop_readable() -> None:
    even = np.full((48, 48), 90, np.uint8)
    for crop in (levelled(even, 129, 64), stretched(even), equalised(even)):
        assert crop.std() == 0


def test_more_light_is_brighter_and_never_overflows() -> None:
    photo = Image.fromarray(np.array([[[10, 128, 250]]], np.uint8))
    assert [lit(photo, 1.1).getpixel((0, 0)), lit(photo, 1.0).getpixel((0, 0))] == [(10, 134, 255), (10, 128, 250)]
