"""Photos to measure the reader on: faces placed in photos, faces that fill them, and photos without a face."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ml.serve.preprocess import Pixels

PHOTO_SIZE = (640, 480)
FACE_SIDES_PX = (110, 300)
MOST_ROLL_DEGREES = 25.0
FILLING_SIDES_PX = (200, 1600)
NARROWEST = 0.75
"""Least width of a photo that a face fills, as a multiple of its height: a phone held upright."""
SMALL_SIDES_PX = (64, 128)
"""Pictures without a face are read at these sizes too: where pixels are few, an animal resembles a person."""
WITH_FACES = {"astronaut", "camera", "coins"}
"""scikit-image's pictures of people, and of coins with heads on them."""


def draw_background(rng: np.random.Generator) -> Image.Image:
    """Return a photo of 640 x 480 without a face: blurred blotches of random colours, with camera noise."""
    columns, rows = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    blotches = Image.fromarray(rng.integers(30, 226, (rows, columns, 3), dtype=np.uint8)).resize(
        PHOTO_SIZE, Image.Resampling.BICUBIC
    )
    noisy = np.asarray(blotches) + rng.normal(0, 6, (PHOTO_SIZE[1], PHOTO_SIZE[0], 1))  # (480, 640, 3)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def place_face(pixels: Pixels, rng: np.random.Generator) -> Image.Image:
    """Return a photo with the face (48, 48) at a random size, place and roll."""
    photo = draw_background(rng)
    side = int(rng.integers(*FACE_SIDES_PX))
    roll = float(rng.uniform(-MOST_ROLL_DEGREES, MOST_ROLL_DEGREES))
    face = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    turned, mask = (each.rotate(roll, Image.Resampling.BICUBIC, expand=True) for each in (face, Image.new("L", face.size, 255)))
    left, top = int(rng.integers(0, PHOTO_SIZE[0] - turned.width)), int(rng.integers(0, PHOTO_SIZE[1] - turned.height))
    photo.paste(turned.convert("RGB"), (left, top), mask)
    return photo


def fill_photo(pixels: Pixels, rng: np.random.Generator) -> Image.Image:
    """Return the face (48, 48) as a photo of its own, without anything around it: square or narrower, at a random size."""
    side = int(rng.integers(*FILLING_SIDES_PX))
    margin = round(side * (1 - rng.uniform(NARROWEST, 1)) / 2)
    face = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return face.crop((margin, 0, side - margin, side)).convert("RGB")


def sample_pictures() -> Iterator[Path]:
    """Yield scikit-image's pictures without a face."""
    from skimage.data import data_dir

    for path in sorted(Path(data_dir).iterdir()):
        if path.suffix in {".png", ".jpg"} and path.stem not in WITH_FACES:
            yield path


def large_and_small(path: Path) -> Iterator[Image.Image]:
    """Yield the picture of this file as it is, and reduced to each of the small sizes."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    yield picture
    for side in SMALL_SIDES_PX:
        small = picture.copy()
        small.thumbnail((side, side))
        yield small
