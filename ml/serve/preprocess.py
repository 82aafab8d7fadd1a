"""From an upright face crop to the network's input. The same code serves training and serving."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .expressions import INPUT_SIDE

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Normaliser:
    """Mean and standard deviation of the training pixels, in grey values 0-255. Kept in model.json."""

    mean: float
    deviation: float

    def apply(self, pixels: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """Return grey values 0-255 as float32 z-scores with a channel axis: (..., side, side) -> (..., side, side, 1)."""
        scored = (pixels.astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)  # (..., side, side)
        return scored[..., np.newaxis]  # (..., side, side, 1)


def measure_normaliser(pixels: Pixels) -> Normaliser:
    """Return the mean and standard deviation of all pixels of the training faces (N, 48, 48)."""
    return Normaliser(mean=round(float(pixels.mean()), 4), deviation=round(float(pixels.std()), 4))


def to_pixels(face: Image.Image) -> Pixels:
    """Return the face as grey values (48, 48), uint8: averaged when it shrinks, interpolated when it grows.

    Raises ValueError for an empty image.
    """
    if face.width == 0 or face.height == 0:
        raise ValueError("the face crop is empty")
    grey = face.convert("L")
    if grey.size != (INPUT_SIDE, INPUT_SIDE):
        shrinks = min(grey.size) > INPUT_SIDE
        grey = grey.resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC)
    return np.asarray(grey, dtype=np.uint8)  # (48, 48)
