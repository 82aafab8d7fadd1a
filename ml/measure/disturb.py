"""Small changes that make no other face (the noise floor of the audit), and remedies that change the crop before it is read."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serve.preprocess import Pixels

GAMMA = 2.2
LEVELS = range(256)


def lit(photo: Image.Image, light: float) -> Image.Image:
    """Return the photo with so many times the light."""
    return photo.point([round(255 * min(1.0, light * (level / 255) ** GAMMA) ** (1 / GAMMA)) for level in LEVELS] * 3)


def shrunk(photo: Image.Image) -> Image.Image:
    """Return the photo at four fifths of its side."""
    return photo.resize((photo.width * 4 // 5, photo.height * 4 // 5), Image.Resampling.LANCZOS)


def cut(photo: Image.Image) -> Image.Image:
    """Return the photo without a twentieth at its left and at its top."""
    return photo.crop((photo.width // 20, photo.height // 20, photo.width, photo.height))


DISTURBANCES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a tenth more light": lambda photo: lit(photo, 1.1),
    "a tenth less light": lambda photo: lit(photo, 0.9),
    "four fifths of the pixels": shrunk,
    "cut at two edges": cut,
}


def to_grey(values: NDArray[np.float64]) -> Pixels:
    """Return the values as grey pixels."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def stretched(crop: Pixels) -> Pixels:
    """Return the crop with its 2nd and 98th percentile drawn to 12 and 243."""
    low, high = np.percentile(crop, [2, 98])
    return to_grey((crop - low) / max(float(high - low), 1.0) * 231 + 12)


def levelled(crop: Pixels, mean: float, deviation: float) -> Pixels:
    """Return the crop with this mean and deviation: those of all training pixels."""
    values = crop.astype(np.float64)
    return to_grey((values - values.mean()) / max(float(values.std()), 1.0) * deviation + mean)


def equalised(crop: Pixels) -> Pixels:
    """Return the crop half-way to an even histogram."""
    counts = np.bincount(crop.ravel(), minlength=256).cumsum()
    even = (counts - counts.min()) / max(int(counts.max() - counts.min()), 1) * 255
    return to_grey((crop + even[crop]) / 2)
