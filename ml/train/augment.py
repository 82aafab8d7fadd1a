"""Random changes to training faces, a whole batch at a time in numpy."""

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
"""Faces, raters' shares and labels."""


def augment(pixels: NDArray[np.uint8], side: int, covered: int, config: Config, rng: Generator) -> Floats:
    """Return changed faces (B, side, side), float grey values clipped to 0-255.

    `covered` is how many source pixels the new side spans: 48 scales the whole frame, 44 with side 44 cuts a window.
    """
    faces = warp(pixels, side, covered, config, rng)
    faces = soften(faces, config.soften_share, rng)
    faces = relight(faces, config, rng)
    faces = compress(faces, config.compress_share, rng)
    return erase(faces, config, rng)


def uniform(rng: Generator, low: float, high: float, count: int) -> Floats:
    """Return `count` random numbers shaped (count, 1, 1), to multiply a batch of faces with."""
    return rng.uniform(low, high, size=(count, 1, 1)).astype(np.float32)


def warp(pixels: NDArray[np.uint8], side: int, covered: int, config: Config, rng: Generator) -> Floats:
    """Return faces mirrored, turned, resized and shifted at random, sampled bilinearly; edges are prolonged."""
    count = len(pixels)
    angle = np.deg2rad(uniform(rng, -config.rotation_degrees, config.rotation_degrees, count))
    size = covered / side * np.exp(uniform(rng, -config.scale, config.scale, count))
    mirror = np.where(uniform(rng, 0, 1, count) < 0.5, -1, 1).astype(np.float32)
    reach = config.shift * INPUT_SIDE
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]
    centre = (INPUT_SIDE - 1) / 2
    columns = mirror * size * (np.cos(angle) * x - np.sin(angle) * y) + centre + uniform(rng, -reach, reach, count)
    rows = size * (np.sin(angle) * x + np.cos(angle) * y) + centre + uniform(rng, -reach, reach, count)
    return sample_bilinear(pixels, rows, columns)


def sample_bilinear(pixels: NDArray[np.uint8], rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
    """Return grey values at fractional places, both (B, side, side); places outside take the nearest edge."""
    rows = np.clip(rows, 0, INPUT_SIDE - 1.001).astype(np.float32)
    columns = np.clip(columns, 0, INPUT_SIDE - 1.001).astype(np.float32)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    flat = pixels.reshape(-1)
    start = np.arange(len(pixels), dtype=np.int32)[:, np.newaxis, np.newaxis] * (INPUT_SIDE * INPUT_SIDE)
    place = start + top * INPUT_SIDE + left
    upper = flat[place] * (1 - right) + flat[place + 1] * right
    lower = flat[place + INPUT_SIDE] * (1 - right) + flat[place + INPUT_SIDE + 1] * right
    mixed: Floats = (upper * (1 - down) + lower * down).astype(np.float32)
    return mixed


def soften(faces: Floats, share: float, rng: Generator) -> Floats:
    """Return faces of which a share is mixed with its own 3x3 mean, by a random amount."""
    amount = uniform(rng, 0, 1, len(faces)) * (uniform(rng, 0, 1, len(faces)) < share)
    across = faces.copy()
    across[:, :, 1:-1] = (faces[:, :, :-2] + faces[:, :, 1:-1] + faces[:, :, 2:]) / 3
    blurred = across.copy()
    blurred[:, 1:-1] = (across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 3
    return faces + amount * (blurred - faces)


def relight(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces with contrast and brightness changed at random, clipped to the grey range."""
    mean = faces.mean(axis=(1, 2), keepdims=True)
    contrast = np.exp(uniform(rng, -config.contrast, config.contrast, len(faces)))
    brightness = 255 * uniform(rng, -config.brightness, config.brightness, len(faces))
    lit: Floats = np.clip((faces - mean) * contrast + mean + brightness, 0, 255)
    return lit


def compress(faces: Floats, share: float, rng: Generator) -> Floats:
    """Return faces of which a share has been through a JPEG file of quality 20 to 60."""
    if not share:
        return faces
    pressed = faces.copy()
    for place in np.flatnonzero(rng.uniform(size=len(faces)) < share):
        file = io.BytesIO()
        Image.fromarray(faces[place].round().astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(20, 61)))
        with Image.open(file) as picture:
            pressed[place] = np.asarray(picture, np.float32)
    return pressed


def erase(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces of which a share has one rectangle covered in a single random grey."""
    count, side = len(faces), faces.shape[1]
    height, width = (uniform(rng, 0.1, config.erase_side, count) * side for _ in range(2))
    top, left = uniform(rng, 0, 1, count) * (side - height), uniform(rng, 0, 1, count) * (side - width)
    axis = np.arange(side, dtype=np.float32)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]
    covered = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)
    covered &= uniform(rng, 0, 1, count) < config.erase_share
    return np.where(covered, uniform(rng, 0, 255, count), faces)


def mix(batch: Batch, beta: float, rng: Generator) -> Batch:
    """Return the batch with some of another of its faces laid over each, and as much of that face's targets in its own.

    All arrays are (B, ...). The own share follows a symmetric beta distribution, its larger side; with beta 0 nothing is mixed.
    """
    if not beta:
        return batch
    count = len(batch[0])
    own, others = rng.beta(beta, beta, count).astype(np.float32), rng.permutation(count)
    own = np.maximum(own, 1 - own)

    def blend(array: Floats) -> Floats:
        share = own.reshape(-1, *[1] * (array.ndim - 1))
        blended: Floats = share * array + (1 - share) * array[others]
        return blended

    faces, raters, labels = batch
    return blend(faces), blend(raters), blend(labels)
