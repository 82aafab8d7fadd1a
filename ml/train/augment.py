"""Random augmentation of training faces, one batch at a time, in numpy or on the device.

Random numbers are always numpy's, so that a batch is the same wherever it is made. Arithmetic is done where the faces lie: all
functions take arrays of numpy or of JAX, and return the same kind.
"""

import io
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ml.serve.expressions import INPUT_SIDE
from ml.train.config import Config

Floats = NDArray[np.float32]
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""ITU-T T.81, table K.1."""
COSINES = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16) / 2
COSINES[0] /= np.sqrt(2)
COSINES = COSINES.astype(np.float32)
"""The cosine transform of eight values: (frequency, place)."""
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


def library(array: Any) -> Any:  # Any: an array, and numpy or jax.numpy
    """Return the library that an array belongs to."""
    return array.__array_namespace__()


def uniform(rng: Generator, low: float, high: float, faces: Any) -> Any:  # Any: arrays of either kind
    """Return random numbers (B, 1, 1), one for each face of a batch (B, ...)."""
    return library(faces).asarray(rng.uniform(low, high, size=(len(faces), 1, 1)).astype(np.float32))


def cover(pixels: NDArray[np.uint8], config: Config, rng: Generator) -> NDArray[np.uint8]:
    """Return faces (B, 48, 48), a share of them with rims of glasses, and a share with the lower half covered.

    Both belong to the face, so that they are drawn before it is turned and shifted. A share of 0 draws no random numbers: recipes
    without it see the same faces as before there was one.
    """
    if config.rims_share:
        chosen = rng.uniform(size=len(pixels)) < config.rims_share
        worn = rims(pixels, rng) & chosen[:, np.newaxis, np.newaxis]  # (B, 48, 48)
        pixels = library(pixels).where(worn, shade(len(pixels), 90, rng), pixels)
    if config.half_share:
        chosen = rng.uniform(size=len(pixels)) < config.half_share
        edge = rng.uniform(0.45, 0.65, len(pixels)) * INPUT_SIDE  # (B,)
        below = np.arange(INPUT_SIDE)[np.newaxis, :, np.newaxis] >= edge[:, np.newaxis, np.newaxis]  # (B, 48, 1)
        pixels = library(pixels).where(below & chosen[:, np.newaxis, np.newaxis], shade(len(pixels), 256, rng), pixels)
    return pixels


def shade(count: int, below: int, rng: Generator) -> NDArray[np.uint8]:
    """Return a random grey value below `below` for each face, (B, 1, 1)."""
    return rng.integers(0, below, (count, 1, 1), dtype=np.uint8)


def rims(pixels: NDArray[np.uint8], rng: Generator) -> NDArray[np.bool_]:
    """Return which pixels (B, 48, 48) rims of random size, place and thickness cover around the usual places of the eyes."""
    height, apart, across, up, thick = (
        uniform(rng, low, high, pixels) for low, high in ((17, 21), (9, 11), (6, 8), (5, 7), (0.6, 1.2))
    )  # (B, 1, 1) each, in pixels: centre of the lenses, half their distance, radii, half the thickness
    xp = library(pixels)
    axis = xp.arange(INPUT_SIDE, dtype=np.float32)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, 48, 1), (1, 1, 48)
    aside = xp.abs(x - (INPUT_SIDE - 1) / 2)  # from the middle of the face, (1, 1, 48)
    distance = xp.hypot((aside - apart) / across, (y - height) / up)  # 1 on the rim, (B, 48, 48)
    bridge = (xp.abs(y - height + 1) <= thick) & (aside <= apart - across)  # (B, 48, 48)
    covered: NDArray[np.bool_] = (xp.abs(distance - 1) * (across + up) / 2 <= thick) | bridge  # (B, 48, 48)
    return covered


def warp(pixels: NDArray[np.uint8], side: int, covered: int, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side) of faces (B, 48, 48), mirrored, rotated, scaled and shifted at random.

    Sampled bilinearly; beyond the edge the edge pixels are repeated.
    """
    xp = library(pixels)
    angle = xp.deg2rad(uniform(rng, -config.rotation_degrees, config.rotation_degrees, pixels))  # (B, 1, 1)
    size = covered / side * xp.exp(uniform(rng, -config.scale, config.scale, pixels))  # (B, 1, 1)
    mirror = xp.where(uniform(rng, 0, 1, pixels) < 0.5, -1, 1).astype(np.float32)  # (B, 1, 1)
    reach = config.shift * INPUT_SIDE
    axis = xp.arange(side, dtype=np.float32) - (side - 1) / 2  # (side,)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, side, 1), (1, 1, side)
    centre = (INPUT_SIDE - 1) / 2
    # Both (B, side, side): where each output pixel comes from.
    columns = mirror * size * (xp.cos(angle) * x - xp.sin(angle) * y) + centre + uniform(rng, -reach, reach, pixels)
    rows = size * (xp.sin(angle) * x + xp.cos(angle) * y) + centre + uniform(rng, -reach, reach, pixels)
    return sample_bilinear(pixels, rows, columns)


def sample_bilinear(pixels: NDArray[np.uint8], rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
    """Return grey values of faces (B, 48, 48) at fractional rows and columns (B, side, side): (B, side, side).

    Places outside the face take the nearest edge pixel.
    """
    # Just below the last pixel, so that its right and lower neighbours exist.
    xp = library(pixels)
    rows = xp.clip(rows, 0, INPUT_SIDE - 1.001).astype(np.float32)
    columns = xp.clip(columns, 0, INPUT_SIDE - 1.001).astype(np.float32)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left  # (B, side, side) each, in [0, 1)
    flat = pixels.reshape(-1)  # (B * 48 * 48,)
    start = xp.arange(len(pixels), dtype=np.int32)[:, np.newaxis, np.newaxis] * (INPUT_SIDE * INPUT_SIDE)  # (B, 1, 1)
    place = start + top * INPUT_SIDE + left  # (B, side, side)
    upper = flat[place] * (1 - right) + flat[place + 1] * right  # (B, side, side)
    lower = flat[place + INPUT_SIDE] * (1 - right) + flat[place + INPUT_SIDE + 1] * right  # (B, side, side)
    mixed: Floats = (upper * (1 - down) + lower * down).astype(np.float32)  # (B, side, side)
    return mixed


def soften(faces: Floats, share: float, rng: Generator) -> Floats:
    """Return faces (B, side, side), a share of them blended with their own 3x3 mean by a random amount."""
    xp = library(faces)
    amount = uniform(rng, 0, 1, faces) * (uniform(rng, 0, 1, faces) < share)  # (B, 1, 1)
    middle = (faces[:, :, :-2] + faces[:, :, 1:-1] + faces[:, :, 2:]) / 3
    across = xp.concatenate([faces[:, :, :1], middle, faces[:, :, -1:]], axis=2)
    middle = (across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 3
    blurred = xp.concatenate([across[:, :1], middle, across[:, -1:]], axis=1)
    softened: Floats = faces + amount * (blurred - faces)
    return softened


def relight(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side) with contrast and brightness changed at random, clipped to [0, 255]."""
    mean = faces.mean(axis=(1, 2), keepdims=True)  # (B, 1, 1)
    xp = library(faces)
    contrast = xp.exp(uniform(rng, -config.contrast, config.contrast, faces))  # (B, 1, 1)
    brightness = 255 * uniform(rng, -config.brightness, config.brightness, faces)  # (B, 1, 1)
    lit: Floats = xp.clip((faces - mean) * contrast + mean + brightness, 0, 255)
    return lit


def compress(faces: Any, share: float, rng: Generator) -> Any:  # Any: arrays of either kind
    """Return faces (B, side, side), a share of them compressed as JPEG at quality 20 to 60."""
    if not share:
        return faces
    places = np.flatnonzero(rng.uniform(size=len(faces)) < share)
    qualities = [int(rng.integers(20, 61)) for _ in places]
    if not isinstance(faces, np.ndarray):
        return compress_on_device(faces, places, qualities)
    compressed = faces.copy()
    for place, quality in zip(places, qualities, strict=True):
        file = io.BytesIO()
        Image.fromarray(faces[place].round().astype(np.uint8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as picture:
            compressed[place] = np.asarray(picture, np.float32)
    return compressed


def compress_on_device(faces: Any, places: NDArray[np.int64], qualities: list[int]) -> Any:  # Any: arrays of the device
    """Return faces (B, side, side), those at `places` as JPEG of these qualities would leave them: blocks of rounded cosines.

    No file is made, and all faces are computed, so that the shapes never change. Grey values are 0.2 from libjpeg's on average,
    where JPEG moves them by 5 to 8: libjpeg computes with integers, and now and then rounds a cosine the other way.
    """
    xp = library(faces)
    count, side = faces.shape[:2]
    steps = np.ones((count, 8, 8), np.float32)
    steps[places] = [quantisers(quality) for quality in qualities]
    edge = -side % 8
    padded = xp.pad(faces.round() - 128, ((0, 0), (0, edge), (0, edge)), mode="edge")
    blocks = padded.reshape(count, (side + edge) // 8, 8, -1, 8)  # (B, rows, 8, columns, 8)
    cosines = xp.einsum("ui,brick,vk->brucv", COSINES, blocks, COSINES)
    steps = steps[:, np.newaxis, :, np.newaxis]  # (B, 1, 8, 1, 8)
    kept = xp.sign(cosines) * xp.floor(xp.abs(cosines) / steps + 0.5) * steps  # halves away from 0, as libjpeg rounds
    restored = xp.einsum("ui,brucv,vk->brick", COSINES, kept, COSINES).reshape(padded.shape)[:, :side, :side]
    chosen = np.isin(np.arange(count), places)[:, np.newaxis, np.newaxis]  # (B, 1, 1)
    return xp.where(chosen, xp.clip((restored + 128).round(), 0, 255), faces)


def quantisers(quality: int) -> NDArray[np.float32]:
    """Return the steps (8, 8) to which JPEG rounds the cosines of grey blocks: the table of its annex K, scaled as libjpeg does."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps: NDArray[np.float32] = np.clip((LUMINANCE * scale + 50) // 100, 1, 255).astype(np.float32)
    return steps


def erase(faces: Floats, config: Config, rng: Generator) -> Floats:
    """Return faces (B, side, side), a share of them with one rectangle filled with a random grey value."""
    xp, side = library(faces), faces.shape[1]
    height, width = (uniform(rng, 0.1, config.erase_side, faces) * side for _ in range(2))  # (B, 1, 1) each
    top, left = uniform(rng, 0, 1, faces) * (side - height), uniform(rng, 0, 1, faces) * (side - width)
    axis = xp.arange(side, dtype=np.float32)  # (side,)
    y, x = axis[np.newaxis, :, np.newaxis], axis[np.newaxis, np.newaxis, :]  # (1, side, 1), (1, 1, side)
    covered = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)  # (B, side, side)
    covered &= uniform(rng, 0, 1, faces) < config.erase_share
    erased: Floats = xp.where(covered, uniform(rng, 0, 255, faces), faces)
    return erased


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
        weight = library(array).asarray(own).reshape(-1, *[1] * (array.ndim - 1))  # (B, 1, ...)
        blended: Floats = weight * array + (1 - weight) * array[others]  # (B, ...)
        return blended

    faces, raters, labels = batch
    return blend(faces), blend(raters), blend(labels)
