"""Spectacles, as tubes, and a headscarf, as a cloth around head and neck."""

import numpy as np
from scipy.ndimage import gaussian_filter

from tools.cohort.mesh import BODY_END, Points, Quads, base
from tools.cohort.people import Person
from tools.cohort.scalp import Flags

Tube = tuple[Points, bool]

SCARF_CENTRE = np.array([0.0, 7.15, 0.35])
SCARF_ROWS, SCARF_COLUMNS = 120, 200


def rim(middle: Points, inwards: float, square: float, front: float) -> Points:
    """Return the rim around one eye, its inner half a little lower than its outer."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** square * 0.255
    y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** square * 0.185 - 0.035
    z = front - 0.10 * np.clip(-x * inwards / 0.25, -0.3, 1) ** 2  # bends back towards the temple
    return np.stack([middle[0] + x, middle[1] + y, z], axis=1)


def glasses(vertices: Points, person: Person) -> tuple[list[Tube], float]:
    """Return the tubes of a pair of spectacles (points, closed) and their thickness."""
    quads, rest = base().quads, base().vertices
    eyes = {side: vertices[np.unique(quads[f"helper-{side}-eye"])].mean(axis=0) for side in "lr"}
    near = (np.abs(rest[:BODY_END, 0]) < 0.55) & (rest[:BODY_END, 1] > 7.1) & (rest[:BODY_END, 1] < 7.45)
    aside = near & (np.abs(rest[:BODY_END, 0]) > 0.14)
    front = vertices[:BODY_END][aside, 2].max() + 0.05
    square = 0.85 if person.glasses == "metal" else 0.6
    tubes: list[Tube] = []
    for side, sign in (("l", 1.0), ("r", -1.0)):
        middle = eyes[side]
        tubes.append((rim(middle, -sign, square, front), True))
        hinge = np.array([middle[0] + sign * 0.25, middle[1] + 0.03, front - 0.10])
        bend = np.array([sign * 0.055, 0, -0.06])
        ear = np.array([sign * (abs(vertices[:BODY_END][near_ear(rest), 0]).max() + 0.02), middle[1] + 0.05, 0.35])
        tubes.append((np.stack([hinge, hinge + bend, (hinge + ear) / 2 + bend * [1, 0, 0], ear]), False))
    left, right = eyes["l"], eyes["r"]
    x = np.linspace(left[0] - 0.24, right[0] + 0.24, 9)
    arch = 0.035 * np.cos(np.linspace(-np.pi / 2, np.pi / 2, 9))
    tubes.append((np.stack([x, (left[1] + right[1]) / 2 + 0.02 + arch, front + arch * 0.8], axis=1), False))
    return tubes, 0.009 if person.glasses == "metal" else 0.021


def near_ear(rest: Points) -> Flags:
    """Return which points of the skin lie where the temples of spectacles rest."""
    body = rest[:BODY_END]
    found: Flags = (body[:, 1] > 7.2) & (body[:, 1] < 7.5) & (body[:, 2] > 0.3) & (body[:, 2] < 0.6) & (np.abs(body[:, 0]) < 0.75)
    return found


def reach(points: Points) -> Points:
    """Return how far the points reach from the centre in each direction: rows from the crown down, columns around."""
    away = points - SCARF_CENTRE
    distance = np.linalg.norm(away, axis=1)
    row = np.arccos(np.clip(away[:, 1] / distance, -1, 1)) / np.pi * SCARF_ROWS
    column = (np.arctan2(away[:, 0], away[:, 2]) / (2 * np.pi) + 0.5) * SCARF_COLUMNS
    field = np.zeros((SCARF_ROWS, SCARF_COLUMNS))
    np.maximum.at(field, (np.clip(row.astype(int), 0, SCARF_ROWS - 1), column.astype(int) % SCARF_COLUMNS), distance)
    for _ in range(80):  # fill the directions in which no vertex lies from their neighbours
        around = np.max([np.roll(field, shift, axis) for shift in (-1, 1) for axis in (0, 1)], axis=0)
        field = np.where(field == 0, around, field)
    even = ("nearest", "wrap")
    smooth: Points = gaussian_filter(np.maximum(field, gaussian_filter(field, (2.5, 3.5), mode=even)), (2.8, 4.0), mode=even)
    crown = np.linspace(1, 0, 14)[:, None]  # near the pole the columns meet and must agree
    smooth[:14] = smooth[:14] * (1 - crown) + smooth[:14].mean() * crown
    return smooth


def scarf(vertices: Points, person: Person) -> tuple[Points, Quads]:
    """Return a headscarf: the head's own outline a little further out, open around the face, with folds under the chin."""
    rest = base().vertices[:BODY_END]
    covered = (rest[:, 1] > 5.62) & (np.abs(rest[:, 0]) < 0.95)
    field = reach(vertices[:BODY_END][covered])
    rows, columns = np.mgrid[0:SCARF_ROWS, 0:SCARF_COLUMNS]
    down, around = (rows + 0.5) / SCARF_ROWS * np.pi, ((columns + 0.5) / SCARF_COLUMNS - 0.5) * 2 * np.pi
    low = np.clip((down - 1.9) / 0.8, 0, 1)
    rng = np.random.default_rng(person.seed)
    folds = sum(
        np.sin(around * count + down * slant + rng.uniform(0, 6)) / count for count, slant in ((7, 5.0), (11, -7.0), (17, 9.0))
    )
    upright = np.clip(down / 0.8, 0, 1)
    far = field + 0.06 + 0.03 * low + (0.10 * low + 0.02 * upright) * np.asarray(folds)
    ways = np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], axis=-1)
    points = (SCARF_CENTRE + ways * far[:, :, None]).reshape(-1, 3)
    chin = vertices[:BODY_END][(np.abs(rest[:, 0]) < 0.05) & (rest[:, 1] < 6.3) & (rest[:, 1] > 6.2) & (rest[:, 2] > 1.3), 1].min()
    top, bottom = 8.02, chin + 0.02
    middle, high = (top + bottom) / 2, (top - bottom) / 2
    edge = ((np.abs(points[:, 0]) / 0.665) ** 2.3 + (np.abs(points[:, 1] - middle) / high) ** 2.3) ** (1 / 2.3)
    facing = points[:, 2] > 0.35
    inside = (edge < 0.97) & facing
    seam = (edge < 1.12) & facing  # where it lies close to the skin
    points[seam] = SCARF_CENTRE + (points[seam] - SCARF_CENTRE) * (1 - 0.035 * np.clip((1.12 - edge[seam]) / 0.12, 0, 1))[:, None]
    pull = facing & (edge >= 0.93) & (edge < 1.02)  # draw the jagged border onto the oval
    points[pull, 0] /= edge[pull]
    points[pull, 1] = middle + (points[pull, 1] - middle) / edge[pull]
    index = np.arange(SCARF_ROWS * SCARF_COLUMNS).reshape(SCARF_ROWS, SCARF_COLUMNS)
    across = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], index[1:], across[1:], across[:-1]], axis=-1)
    quads = quads[: int(SCARF_ROWS * 0.92)].reshape(-1, 4)
    return points, quads[~inside[quads].any(axis=1)]
