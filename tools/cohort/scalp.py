"""The roots of hair: points on the skin at rest, as triangles with weights, so that they follow every face."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.cohort.mesh import BODY_END, Points, Quads, base, data_folder, normals, triangles
from tools.cohort.paint import BROW_LINE

Flags = NDArray[np.bool_]


@cache
def on_ear() -> Flags:
    """Return for each vertex whether it belongs to an ear."""
    with Image.open(data_folder() / "mpfb2/textures/mpfb_ears.jpg") as picture:
        mask = np.asarray(picture.convert("L")) / 255
    high, wide = mask.shape
    uv = base().uv
    rows = np.clip(((1 - uv[:, 1]) * high).astype(int), 0, high - 1)
    columns = np.clip((uv[:, 0] * wide).astype(int), 0, wide - 1)
    flags: Flags = mask[rows, columns] > 0.3
    flags[BODY_END:] = False
    return flags


@cache
def head_triangles() -> Quads:
    """Return the triangles of the head's skin."""
    corners = triangles(base().quads["body"])
    return corners[(base().vertices[corners][:, :, 1] > 6.0).all(axis=1)]


@cache
def rest_normals() -> Points:
    """Return the normal of each vertex of the skin at rest."""
    return normals(base().vertices, base().quads["body"])


def grows_hair(rest: Points, recede: float = 0.0, bald: bool = False) -> Flags:
    """Return which points at rest lie on the hairy part of the head. `recede` moves the line back, most at the temples."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    top = (y > 7.93 + recede * np.where(z > 0.3, 0.35, 0) + 0.25 * recede * (x > 0.3)) & (z < 1.46)
    side = (z < 0.90 + 0.32 * (y - 7.3) - recede * 0.15) & (y > 7.12) & (z > -0.2)
    back = (z < 0.30) & (y > 6.72)
    hairy: Flags = top | side | back
    if bald:
        hairy &= (y < 7.55) & (z < 0.25)  # a wreath: nothing on top, nothing before the ears
    return hairy


def by_the_ear(rest: Points) -> Flags:
    """Return which points lie so close to an ear that hair would grow through it."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    flags: Flags = (x >= 0.78) | ((x > 0.66) & (y < 7.42) & (z < 0.75) & (z > 0.2))
    return flags


@dataclass(frozen=True)
class Roots:
    """Roots: corners of their triangles (N, 3), weights (N, 3), and the points at rest (N, 3)."""

    corners: Quads
    weights: Points
    rest: Points

    def on(self, values: Points) -> Points:
        """Return the vertices' values at the roots."""
        found: Points = (values[self.corners] * self.weights[:, :, None]).sum(axis=1)
        return found


def scalp_roots(count: int, rng: np.random.Generator, recede: float = 0.0, bald: bool = False) -> Roots:
    """Return up to `count` roots, evenly spread, with a soft edge."""
    corners = head_triangles()
    corners = corners[~on_ear()[corners].any(axis=1)]
    places = base().vertices[corners]
    area = np.linalg.norm(np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]), axis=1)
    area = area * ((places.mean(axis=1)[:, 1] > 6.6) & (rest_normals()[corners].mean(axis=1)[:, 1] > -0.5))
    chosen = rng.choice(len(corners), count * 4, p=area / area.sum())
    weights = rng.dirichlet([1, 1, 1], count * 4)
    rest = (places[chosen] * weights[:, :, None]).sum(axis=1)
    kept = grows_hair(rest, recede, bald) & ~by_the_ear(rest)
    kept &= grows_hair(rest + rng.normal(size=rest.shape) * 0.025, recede, bald)
    return Roots(corners[chosen][kept][:count], weights[kept][:count], rest[kept][:count])


def front_roots(places: Points) -> tuple[Roots, NDArray[np.int64]]:
    """Return roots on the front of the face under (x, y) at rest, and which of the places have one."""
    corners = head_triangles()
    vertices = base().vertices
    front = (vertices[corners][:, :, 2].mean(axis=1) > 0.8) & (rest_normals()[corners][:, :, 2].mean(axis=1) > 0.05)
    corners = corners[front]
    a, b, c = (vertices[corners[:, number]] for number in range(3))
    twice = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    twice = np.where(np.abs(twice) < 1e-12, 1e-12, twice)
    found: list[tuple[NDArray[np.int64], Points, int]] = []
    for number, (x, y) in enumerate(places):
        first = ((b[:, 1] - c[:, 1]) * (x - c[:, 0]) + (c[:, 0] - b[:, 0]) * (y - c[:, 1])) / twice
        second = ((c[:, 1] - a[:, 1]) * (x - c[:, 0]) + (a[:, 0] - c[:, 0]) * (y - c[:, 1])) / twice
        weights = np.stack([first, second, 1 - first - second], axis=1)
        inside = np.flatnonzero((weights >= -1e-6).all(axis=1))
        if len(inside):
            depth = (vertices[corners[inside]][:, :, 2] * weights[inside]).sum(axis=1)
            nearest = inside[depth.argmax()]
            found.append((corners[nearest], weights[nearest], number))
    kept_corners, kept_weights = np.array([each[0] for each in found]), np.array([each[1] for each in found])
    rest = (vertices[kept_corners] * kept_weights[:, :, None]).sum(axis=1)
    return Roots(kept_corners, kept_weights, rest), np.array([each[2] for each in found])


def brow_places(rng: np.random.Generator, count: int, thick: float) -> tuple[Points, Points]:
    """Return (x, y) of the roots of the left brow, and how far each lies along it, 0 at the nose to 1."""
    along = rng.uniform(0, 1, count) ** 0.9
    piece = np.clip((along * 5).astype(int), 0, 4)
    share = (along * 5 - piece)[:, None]
    middle = BROW_LINE[piece] * (1 - share) + BROW_LINE[piece + 1] * share
    width = thick * np.interp(along, [0, 0.15, 0.5, 1], [0.8, 1, 0.85, 0.25])
    return np.stack([middle[:, 0], middle[:, 1] + rng.normal(size=count) * width * 0.55], axis=1), along
