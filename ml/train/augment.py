"""Random augmentation of training faces, in numpy, one batch at a time."""

import io
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ml.serve.expressions import INPUT_SIDE
from ml.train.config import Config

Floats = NDArray[np.float32]
Batch = tuple[Floats, Floats, Floats]
"""Z-scored faces (B, side, side, 1), raters' vote shares (B, 7) and smoothed labels (B, 7)."""


def augment(pixels: NDArray[np.uint8], side: int, covered: int, config: Config, rng: Generator) -> Floats:
    """Return augmented faces (B, side, side), float32 grey values in [0, 255], of faces (B, 48, 48).

    `covered` is the number of source pixels that the new side spans: 48 scales the whole frame, 44 with side 44 cuts a window.
    """
    pixels = cover(pixels, config, rng)  # (B, 48, 48)
    faces = warp(pixels, side, covered, config, rng)  # (B, side, side)
    faces = soften(faces, config.soften_share, rng)  # (B, side, side)
    faces = relight(faces, config, rng)  # (B, side, side)
    faces = compress(faces, config.compress_share, rng)  # (B, side, side)
    return erase(faces, config, rng)


def uniform(rng: Generator, low: float, high: float, count: int) -> Floats:
    """Return random numbers (count, 1, 1), one for each face of a batch."""
    return rng.uniform(low, high, size=(count, 1, 1)).astype(np.float32)


def cover(pixels: NDArray[np.uint8], config: Config, rng: Generator) -> NDArray[np.uint8]:
    """Return faces (B, 48, 48), a share of them with rims of glasses, and a share with the lower half covered.

    Both belong to the face, so that they are drawn before it is turned and shifted. A share of 0 draws no random numbers: recipes
    without it see the same faces as before there was one.
    """
    if config.rims_share:
        chosen = rng.uniform(size=len(pixels)) < config.rims_share
        pixels = np.where(rims(len(pixels), rng) & chosen[:, np.newaxis, np.newaxis], shade(len(pixels), 90, rng), pixels)
    if config.half_share:
        chosen = rng.uniform(size=len(pixels)) < config.half_share
        edge = rng.uniform(0.45, 0.65, len(pixels)) * INPUT_SIDE  # (B,)
        below = np.arange(INPUT_SIDE)[np.newaxis, :, np.newaxis] >= edge[:, np.newaxis, np.newaxis]  # (B, 48, 1)
        pixels = np.where(below & chosen[:, np.newaxis, np.newaxis], shade(len(pixels), 256, rng), pixels)
    return pixels


def shade(count: int, below: int, rng: Generator) -> NDArray[np.uint8]:
    """Return a random grey value below `below` for each face, (B, 1, 1)."""
    return rng.integers(0, below, (count, 1, 1), dtype=np.uint8)


def rims(count: int, rng: Generator) -> NDArray[np.bool_]:
    """Return which pixels (B, 48, 48) rims of random size, place and thickness cover around the usual places of the eyes."""
    height, apart, across, up, thick = (
        uniform(rng, low, high, count) for low, high in ((17, 21), (9, 11), (6, 8), (5, 7), (0.6, 1.2))
    )  # (B, 1, 1) each, in pixels: centre of the lenses, half their distance, radii, half the thickness
    axis = np.arange(INPUT_SIDE, dtype=np.float32)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, 48, 1), (1, 1, 48)
    aside = np.abs(x - (INPUT_SIDE - 1) / 2)  # from the middle of the face, (1, 1, 48)
    distance = np.hypot((aside - apart) / across, (y - height) / up)  # 1 on the rim, (B, 48, 48)
    bridge = (np.abs(y - height + 1) <= thick) & (aside <= apart - across)  # (B, 48, 48)
    covered: NDArray[np.bool_] = (np.abs(distance - 1) * (across + up) / 2 <= thick) | bridge  # (B, 48, 48)
    return covered


def warp(pixels: NDArray[np.uint8], side: int, covered: int, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side) of faces (B, 48, 48), mirrored, rotated, scaled and shifted at random.

    Sampled bilinearly; beyond the edge the edge pixels are repeated.
    """
    count = len(pixels)
    angle = np.deg2rad(uniform(rng, -config.rotation_degrees, config.rotation_degrees, count))  # (B, 1, 1)
    size = covered / side * np.exp(uniform(rng, -config.scale, config.scale, count))  # (B, 1, 1)
    mirror = np.where(uniform(rng, 0, 1, count) < 0.5, -1, 1).astype(np.float32)  # (B, 1, 1)
    reach = config.shift * INPUT_SIDE
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2  # (side,)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, side, 1), (1, 1, side)
    centre = (INPUT_SIDE - 1) / 2
    # Both (B, side, side): where each output pixel comes from.
    columns = mirror * size * (np.cos(angle) * x - np.sin(angle) * y) + centre + uniform(rng, -reach, reach, count)
    rows = size * (np.sin(angle) * x + np.cos(angle) * y) + centre + uniform(rng, -reach, reach, count)
    return sample_bilinear(pixels, rows, columns)


def sample_bilinear(pixels: NDArray[np.uint8], rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
    """Return grey values of faces (B, 48, 48) at fractional rows and columns (B, side, side): (B, side, side).

    Places outside the face take the nearest edge pixel.
    """
    # Just below the last pixel, so that its right and lower neighbours exist.
    rows = np.clip(rows, 0, INPUT_SIDE - 1.001).astype(np.float32)
    columns = np.clip(columns, 0, INPUT_SIDE - 1.001).astype(np.float32)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left  # (B, side, side) each, in [0, 1)
    flat = pixels.reshape(-1)  # (B * 48 * 48,)
    start = np.arange(len(pixels), dtype=np.int32)[:, np.newaxis, np.newaxis] * (INPUT_SIDE * INPUT_SIDE)  # (B, 1, 1)
    place = start + top * INPUT_SIDE + left  # (B, side, side)
    upper = flat[place] * (1 - right) + flat[place + 1] * right  # (B, side, side)
    lower = flat[place + INPUT_SIDE] * (1 - right) + flat[place + INPUT_SIDE + 1] * right  # (B, side, side)
    mixed: Floats = (upper * (1 - down) + lower * down).astype(np.float32)  # (B, side, side)
    return mixed


def soften(faces: Floats, share: float, rng: Generator) -> Floats:
    """Return faces (B, side, side), a share of them blended with their own 3x3 mean by a random amount."""
    amount = uniform(rng, 0, 1, len(faces)) * (uniform(rng, 0, 1, len(faces)) < share)  # (B, 1, 1)
    across = faces.copy()
    across[:, :, 1:-1] = (faces[:, :, :-2] + faces[:, :, 1:-1] + faces[:, :, 2:]) / 3
    blurred = across.copy()
    blurred[:, 1:-1] = (across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 3
    return faces + amount * (blurred - faces)


def relight(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side) with contrast and brightness changed at random, clipped to [0, 255]."""
    mean = faces.mean(axis=(1, 2), keepdims=True)  # (B, 1, 1)
    contrast = np.exp(uniform(rng, -config.contrast, config.contrast, len(faces)))  # (B, 1, 1)
    brightness = 255 * uniform(rng, -config.brightness, config.brightness, len(faces))  # (B, 1, 1)
    lit: Floats = np.clip((faces - mean) * contrast + mean + brightness, 0, 255)
    return lit


def compress(faces: Floats, share: float, rng: Generator) -> Floats:
    """Return faces (B, side, side), a share of them compressed as JPEG at quality 20 to 60."""
    if not share:
        return faces
    compressed = faces.copy()
    for place in np.flatnonzero(rng.uniform(size=len(faces)) < share):
        file = io.BytesIO()
        Image.fromarray(faces[place].round().astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(20, 61)))
        with Image.open(file) as picture:
            compressed[place] = np.asarray(picture, np.float32)
    return compressed


def erase(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side), a share of them with one rectangle filled with a random grey value."""
    count, side = len(faces), faces.shape[1]
    height, width = (uniform(rng, 0.1, config.erase_side, count) * side for _ in range(2))  # (B, 1, 1) each
    top, left = uniform(rng, 0, 1, count) * (side - height), uniform(rng, 0, 1, count) * (side - width)
    axis = np.arange(side, dtype=np.float32)  # (side,)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, side, 1), (1, 1, side)
    covered = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)  # (B, side, side)
    covered &= uniform(rng, 0, 1, count) < config.erase_share
    return np.where(covered, uniform(rng, 0, 255, count), faces)


def mix(batch: Batch, beta: float, rng: Generator) -> Batch:
    """Return the batch with each face and its targets blended with those of another face in it (mixup, Zhang et al. 2018).

    All arrays are (B, ...). A symmetric beta distribution gives the weights, and the larger one stays with the face itself. With
    beta 0 the batch is returned as it is.
    """
    if not beta:
        return batch
    count = len(batch[0])
    own, others = rng.beta(beta, beta, count).astype(np.float32), rng.permutation(count)  # (B,) each
    own = np.maximum(own, 1 - own)  # (B,)

    def blend(array: Floats) -> Floats:
        weight = own.reshape(-1, *[1] * (array.ndim - 1))  # (B, 1, ...)
        blended: Floats = weight * array + (1 - weight) * array[others]  # (B, ...)
        return blended

    faces, raters, labels = batch
    return blend(faces), blend(raters), blend(labels)
