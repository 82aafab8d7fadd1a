"""The one way from a crop to the network's input."""

import numpy as np
import pytest
from PIL import Image

from ml.serve.preprocess import Normaliser, measure_normaliser, to_pixels

NORMALISER = Normaliser(mean=128.0, deviation=64.0)


def test_input_of_a_drawn_face_is_the_golden_one() -> None:
    rows, columns = np.mgrid[:96, :96]
    picture = Image.fromarray(np.stack([rows * 2, columns * 2, (rows + columns)], axis=-1).astype(np.uint8))
    found = NORMALISER.apply(to_pixels(picture))
    assert found.shape == (48, 48, 1)
    assert found.dtype == np.float32
    expected = [[-1.96875, -1.484375, -1.0, -0.53125], [-1.703125, -1.21875, -0.734375, -0.25]]
    assert found[::12, ::12, 0][:2].tolist() == expected
    assert float(found.mean()) == pytest.approx(-0.504496, abs=1e-5)


def test_face_of_48_px_is_left_as_it_is() -> None:
    pixels = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
    assert (to_pixels(Image.fromarray(pixels)) == pixels).all()


def test_larger_faces_are_averaged_and_smaller_ones_interpolated() -> None:
    checks = Image.fromarray((np.indices((96, 96)).sum(axis=0) % 2 * 200).astype(np.uint8))
    assert (to_pixels(checks) == 100).all()
    assert to_pixels(Image.new("L", (20, 30), 77)).shape == (48, 48)


def test_empty_crop_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        to_pixels(Image.new("L", (0, 10)))


def test_scale_is_that_of_the_training_faces() -> None:
    assert (NORMALISER.apply(to_pixels(Image.new("L", (48, 48), 192))) == 1).all()
    assert measure_normaliser(np.array([[[0, 255]]], np.uint8)) == Normaliser(127.5, 127.5)
