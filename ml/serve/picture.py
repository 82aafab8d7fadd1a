"""A photo at the sizes at which the detector sees it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Part:
    """A part of a picture, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


WHOLE = Part(0, 0, 1, 1)


class Picture:
    """An RGB photo, as it is or upside down. It is scaled once to each size, for both.

    `size`: width and height of the photo in pixels, `larger` times those of the image that shows it.
    """

    def __init__(self, image: Image.Image, larger: float = 1) -> None:
        self.image, self.larger = image, larger
        self.size = image.width * larger, image.height * larger
        self._is_turned = False
        self._scaled: dict[int, NDArray[np.uint8]] = {}

    def upside_down(self) -> Self:
        """Return the picture turned by 180 degrees."""
        turned = type(self)(self.image, self.larger)
        turned._is_turned, turned._scaled = not self._is_turned, self._scaled
        return turned

    def scaled(self, side_px: int) -> NDArray[np.uint8]:
        """Return the picture (h, w, 3) with a longer side of `side_px`; small ones are at most doubled."""
        if side_px not in self._scaled:
            self._scaled[side_px] = np.asarray(scale(self.image, side_px))
        pixels = self._scaled[side_px]
        return pixels[::-1, ::-1] if self._is_turned else pixels


def scale(image: Image.Image, side_px: float) -> Image.Image:
    """Return the image with a longer side of `side_px`, and at most twice as large as it is."""
    factor = min(side_px / max(image.size), 2.0)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
