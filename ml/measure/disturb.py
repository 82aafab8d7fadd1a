"""Small changes that leave the face the same (the noise floor of the fairness report), and remedies applied to the crop."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serve.preprocess import Pixels

GAMMA = 2.2
"""Of sRGB, near enough: light is scaled in linear values, not in grey values."""


def change_light(photo: Image.Image, factor: float) -> Image.Image:
    """Return the photo as if `factor` times the light had fallen on the scene."""
    levels = [round(255 * min(1.0, factor * (level / 255) ** GAMMA) ** (1 / GAMMA)) for level in range(256)]
    return photo.point(levels * 3)  # one table for each of R, G and B


def shrink(photo: Image.Image) -> Image.Image:
    """Return the photo at four fifths of its width and height."""
    return photo.resize((photo.width * 4 // 5, photo.height * 4 // 5), Image.Resampling.LANCZOS)


def crop_edges(photo: Image.Image) -> Image.Image:
    """Return the photo without the left twentieth and the top twentieth."""
    return photo.crop((photo.width // 20, photo.height // 20, photo.width, photo.height))


DISTURBANCES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a tenth more light": lambda photo: change_light(photo, 1.1),
    "a tenth less light": lambda photo: change_light(photo, 0.9),
    "four fifths of the pixels": shrink,
    "cut at two edges": crop_edges,
}


def to_grey(values: NDArray[np.float64]) -> Pixels:
    """Return the values as uint8, clipped to 0-255; same shape."""
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def stretch_contrast(crop: Pixels) -> Pixels:
    """Return the crop (48, 48) with its 2nd percentile moved to 12 and its 98th to 243."""
    low, high = np.percentile(crop, [2, 98])
    return to_grey((crop - low) / max(float(high - low), 1.0) * 231 + 12)


def match_mean_and_deviation(crop: Pixels, mean: float, deviation: float) -> Pixels:
    """Return the crop (48, 48) with this mean and standard deviation, in grey values."""
    values = crop.astype(np.float64)
    return to_grey((values - values.mean()) / max(float(values.std()), 1.0) * deviation + mean)


def equalise_half(crop: Pixels) -> Pixels:
    """Return the mean of the crop (48, 48) and its histogram-equalised copy."""
    cumulative = np.bincount(crop.ravel(), minlength=256).cumsum()  # (256,)
    equalised = (cumulative - cumulative.min()) / max(int(cumulative.max() - cumulative.min()), 1) * 255
    return to_grey((crop + equalised[crop]) / 2)
