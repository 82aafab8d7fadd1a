"""The painted map of the face from the front: wrinkles as height, blush, shade. In rest space, so that it moves with the skin."""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.cohort.expressions import BROWS_UP, Weights
from tools.cohort.people import Person

Map = NDArray[np.float64]

SIDE_PX = 1024
LEFT_DM, TOP_DM, WIDE_DM = -1.4, 8.7, 2.8

BROW_LINE = np.array([[0.115, 7.505], [0.20, 7.525], [0.30, 7.535], [0.41, 7.53], [0.51, 7.50], [0.60, 7.44]])
"""Middle of the left brow at rest, from the nose outwards: x, y."""


@cache
def grid() -> tuple[Map, Map]:
    """Return |x| and y of each pixel in decimetres: both sides of the face are painted alike."""
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    return np.abs((columns + 0.5) / SIDE_PX * WIDE_DM + LEFT_DM), TOP_DM - (rows + 0.5) / SIDE_PX * WIDE_DM


@cache
def stroke(points: tuple[tuple[float, float], ...], width: float, tapered: bool = True) -> Map:
    """Return a soft line through the points, 0 to 1, thin at its ends when tapered."""
    x, y = grid()
    nearest, along = np.full(x.shape, 9.0), np.zeros(x.shape)
    for number, (start, end) in enumerate(pairwise(points)):
        step = np.subtract(end, start)
        share = np.clip(((x - start[0]) * step[0] + (y - start[1]) * step[1]) / (step @ step), 0, 1)
        distance = np.hypot(x - start[0] - share * step[0], y - start[1] - share * step[1])
        closer = distance < nearest
        nearest[closer], along[closer] = distance[closer], ((number + share) / (len(points) - 1))[closer]
    line: Map = np.exp(-((nearest / width) ** 2))
    return line * np.sin(np.pi * np.clip(along * 0.9 + 0.05, 0, 1)) ** 0.5 if tapered else line


def spot(x: float, y: float, wide: float, high: float) -> Map:
    """Return a soft ellipse."""
    across, up = grid()
    spotted: Map = np.exp(-(((across - x) / wide) ** 2) - ((up - y) / high) ** 2)
    return spotted


def forehead(weights: Weights, old: float) -> Map:
    """Return the depth of the lines that raised brows draw, and of those that stay with age."""
    x, _ = grid()
    inner, outer = max(weights.get("browInnerUp", 0), weights.get(BROWS_UP, 0)), weights.get("browOuterUp", 0)
    raised = np.clip(0.95 * outer + 0.75 * inner * np.exp(-((x / 0.28) ** 2)) * (1 if outer < 0.2 else 0.4), 0, 1.2)
    lines = sum(
        stroke(((0, y), (0.15, y + 0.012), (0.3, y + 0.02), (0.45, y), (0.55, y - 0.03)), 0.011) for y in (7.64, 7.72, 7.80, 7.88)
    )
    return np.asarray(lines) * (raised + 0.55 * max(0.0, old - 0.3))


def eyes_and_nose(weights: Weights, old: float) -> Map:
    """Return the depth of frown lines, crow's feet, folds under the eyes and wrinkles of the nose."""
    frown, sneer = weights.get("browDown", 0), weights.get("noseSneer", 0)
    squint = max(weights.get("eyeSquint", 0), weights.get("cheekSquint", 0))
    smiling = weights.get("mouthSmile", 0) > 0.3
    depth: Map = stroke(((0.045, 7.40), (0.055, 7.47), (0.065, 7.55)), 0.012) * np.clip(frown + 0.4 * max(0.0, old - 0.4), 0, 1.3)
    depth = depth - stroke(((0.0, 7.40), (0.0, 7.5)), 0.02) * np.clip(frown * 0.5, 0, 0.8)
    for ends in (((0.50, 7.30), (0.62, 7.36)), ((0.51, 7.27), (0.64, 7.28)), ((0.50, 7.24), (0.62, 7.20))):
        depth = depth + stroke(ends, 0.008) * np.clip(0.8 * squint * smiling + 0.35 * squint + 0.7 * max(0.0, old - 0.3), 0, 1)
    for number, y in enumerate((7.14, 7.11)):
        fold = stroke(((0.16, y + 0.05), (0.24, y), (0.34, y - 0.015), (0.44, y + 0.03)), 0.012)
        depth = depth + fold * np.clip(0.15 + 0.75 * old + 0.3 * squint - 0.15 * number, 0, 1) * 0.55
    for y in (7.24, 7.30):
        depth = depth + stroke(((0.0, y), (0.05, y + 0.01), (0.09, y + 0.035)), 0.010) * np.clip(sneer - 0.15, 0, 1)
    return depth


def mouth(weights: Weights, old: float) -> Map:
    """Return the depth of the folds from nose to mouth, below its corners and on the chin."""
    smile, sneer, pulled = (weights.get(name, 0) for name in ("mouthSmile", "noseSneer", "mouthFrown"))
    beside = stroke(((0.165, 7.02), (0.22, 6.95), (0.28, 6.86), (0.31, 6.76), (0.32, 6.68)), 0.028)
    below = stroke(((0.26, 6.70), (0.29, 6.62), (0.29, 6.54)), 0.013)
    chin = stroke(((0.0, 6.53), (0.1, 6.525), (0.17, 6.50)), 0.016)
    lips = sum(stroke(((x, 6.86), (x * 1.05, 6.80)), 0.006) for x in (0.04, 0.09, 0.14, 0.19))
    depth: Map = (
        beside * np.clip(0.45 * smile + 0.5 * sneer + 0.38 * old + 0.04 + 0.2 * pulled, 0, 0.9)
        + below * np.clip(0.5 * pulled + 0.55 * max(0.0, old - 0.3), 0, 1)
        + chin * np.clip(0.7 * weights.get("mouthShrugLower", 0) + 0.1, 0, 1)
        + np.asarray(lips) * 0.35 * max(0.0, old - 0.5)
    )
    return depth


def beard_shade() -> Map:
    """Return where a shaved beard darkens the skin, 0 to 1."""
    shade: Map = np.clip(
        1.2 * spot(0, 6.47, 0.42, 0.17) + 0.9 * spot(0.45, 6.55, 0.18, 0.22) + 0.8 * spot(0, 6.87, 0.20, 0.045), 0, 1
    )
    return shade


def paint_face(person: Person, weights: Weights) -> NDArray[np.float32]:
    """Return the map (side, side, 3), 0 to 1: height (0.5 = level), blush, shade."""
    depth = forehead(weights, person.age) + eyes_and_nose(weights, person.age) + mouth(weights, person.age)
    blush = 0.85 * spot(0.36, 6.98, 0.17, 0.13) + 0.7 * spot(0, 6.93, 0.11, 0.12) + 0.35 * spot(0, 6.40, 0.2, 0.1)
    blush = (blush + 0.35 * spot(0.72, 7.1, 0.06, 0.2)) * (1.15 if person.is_woman else 0.9)
    shade = (0.55 * spot(0.30, 7.15, 0.12, 0.035) + 0.35 * spot(0.14, 7.25, 0.04, 0.06)) * (0.35 + 0.7 * person.age)
    brow_width = 0.026 if person.is_woman else 0.034
    # Shade under the brows: sparse hair alone does not read as a mass, and a brow that is not seen says nothing.
    shade = shade + stroke(tuple((float(x), float(y)) for x, y in BROW_LINE), brow_width, False) * 0.55 * max(person.melanin, 0.35)
    if not person.is_woman:
        shade = shade + beard_shade() * person.stubble
    shade = shade + np.clip(depth, 0, 1) * 0.16
    return np.stack([np.clip(0.5 - depth * 0.475, 0, 1), np.clip(blush, 0, 1), np.clip(shade, 0, 1)], axis=-1).astype(np.float32)
