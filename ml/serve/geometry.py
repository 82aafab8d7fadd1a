"""Boxes, square crops and rotations, in pixels of a photo."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .expressions import FaceBox

NARROWEST = 0.74
"""Least width of a complete face as a multiple of its height: the 5th percentile of CenterFace's boxes."""
FLATTEST = 0.96
"""Least height of a complete face as a multiple of its width, likewise."""

Points = NDArray[np.float64]
"""Points in a photo, (N, 2): x to the right, y down."""


def centre_of(box: FaceBox) -> tuple[float, float]:
    """Return the centre of the box, (x, y)."""
    return box.left + box.width / 2, box.top + box.height / 2


def share_cut_off(box: FaceBox, width: int, height: int) -> float:
    """Return the share of a face that the edge of the photo cuts off, in [0, 1]; 0 when the box is clear of the edge.

    The detector's box holds only the visible part of the face. So the share is estimated from the shape of a box at the edge: what
    is missing compared with the narrowest, or flattest, box of a complete face.
    """
    near = 0.03 * max(box.width, box.height)
    beside = box.left <= near or box.left + box.width >= width - near
    over = box.top <= near or box.top + box.height >= height - near
    missing_width = 1 - box.width / max(NARROWEST * box.height, 1e-9) if beside else 0.0
    missing_height = 1 - box.height / max(FLATTEST * box.width, 1e-9) if over else 0.0
    return max(missing_width, missing_height, 0.0)


def cut_square(image: Image.Image, centre: tuple[float, float], side: float) -> Image.Image:
    """Return the square around `centre`, at least one pixel wide. Outside the image the edge pixels are repeated."""
    side_px = max(1, round(side))
    left, top = round(centre[0] - side / 2), round(centre[1] - side / 2)
    if left >= 0 and top >= 0 and left + side_px <= image.width and top + side_px <= image.height:
        return image.crop((left, top, left + side_px, top + side_px))
    columns = np.clip(np.arange(left, left + side_px), 0, image.width - 1)
    rows = np.clip(np.arange(top, top + side_px), 0, image.height - 1)
    inside = image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    return Image.fromarray(np.asarray(inside)[rows - rows[0]][:, columns - columns[0]])


def cut_turned(image: Image.Image, centre: tuple[float, float], side: float, roll_degrees: float) -> Image.Image:
    """Return the square around `centre`, rotated so that a head that leans clockwise by `roll_degrees` is upright."""
    reach = side * (abs(math.cos(math.radians(roll_degrees))) + abs(math.sin(math.radians(roll_degrees)))) + 2
    wide = cut_square(image, centre, reach).rotate(roll_degrees, Image.Resampling.BILINEAR)
    return cut_square(wide, (wide.width / 2, wide.height / 2), side)


def turn_points(points: Points, centre: tuple[float, float], degrees: float) -> Points:
    """Return points (N, 2) rotated clockwise, as seen on the screen, around `centre`."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned: Points = (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre  # (N, 2)
    return turned
