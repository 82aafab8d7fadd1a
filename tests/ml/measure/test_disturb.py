"""Disturbances and remedies, on pictures small enough to check by hand."""

import numpy as np
import pytest
from PIL import Image

from ml.measure.disturb import change_light, equalise_half, match_mean_and_deviation, stretch_contrast
from ml.serve.preprocess import Pixels


@pytest.fixture
def dim() -> Pixels:
    """Return a dim crop with little contrast."""
    return np.random.default_rng(1).normal(70, 9, (48, 48)).clip(0, 255).astype(np.uint8)


def test_remedies_bring_a_dim_crop_to_where_the_training_faces_are(dim: Pixels) -> None:
    assert match_mean_and_deviation(dim, 129, 64).mean() == pytest.approx(129, abs=2)
    assert np.percentile(stretch_contrast(dim), 98) == pytest.approx(243, abs=4)
    assert equalise_half(dim).std() > dim.std() * 2


def test_remedies_leave_an_even_crop_readable() -> None:
    even = np.full((48, 48), 90, np.uint8)
    for crop in (match_mean_and_deviation(even, 129, 64), stretch_contrast(even), equalise_half(even)):
        assert crop.std() == 0


def test_more_light_is_brighter_and_never_overflows() -> None:
    photo = Image.fromarray(np.array([[[10, 128, 250]]], np.uint8))
    assert [change_light(photo, 1.1).getpixel((0, 0)), change_light(photo, 1.0).getpixel((0, 0))] == [
        (10, 134, 255),
        (10, 128, 250),
    ]
