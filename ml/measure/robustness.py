"""Changes that photos undergo, applied to 48x48 faces to measure how much accuracy remains."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ml.data import FaceSet
from ml.serve.preprocess import Pixels

Change = Callable[[Image.Image], Image.Image]


def compress(face: Image.Image) -> Image.Image:
    """Return the face after JPEG compression at quality 30: at 48 px far worse than a photo at that quality."""
    file = io.BytesIO()
    face.save(file, "JPEG", quality=30)
    return Image.open(file)


def cover_lower(face: Image.Image) -> Image.Image:
    """Return the face with its lower 45 % covered in grey, as by a mask."""
    covered = face.copy()
    covered.paste(128, (0, round(0.55 * face.height), face.width, face.height))
    return covered


def put_glasses_on(face: Image.Image) -> Image.Image:
    """Return the face with dark rims around the usual places of the eyes, joined by a bridge."""
    wearing = face.copy()
    pen = ImageDraw.Draw(wearing)
    for left in (7, 27):
        pen.ellipse((left, 13, left + 14, 25), outline=20, width=2)
    pen.line((21, 18, 27, 18), fill=20, width=2)
    return wearing


def turn(face: Image.Image, degrees: float) -> Image.Image:
    """Return the face rotated counter-clockwise; the corners repeat the edge pixels."""
    grown = Image.fromarray(np.pad(np.asarray(face), 12, mode="edge"))
    side = face.width
    return grown.rotate(degrees, Image.Resampling.BICUBIC).crop((12, 12, 12 + side, 12 + side))


CHANGES: dict[str, Change] = {
    "blur, 1 px": lambda face: face.filter(ImageFilter.GaussianBlur(1)),
    "low light, 30 %": lambda face: face.point(lambda grey: 0.3 * grey),
    "JPEG, quality 30": compress,
    "turned 15 degrees left": lambda face: turn(face, 15),
    "turned 15 degrees right": lambda face: turn(face, -15),
    "24 px, enlarged": lambda face: face.resize((24, 24), Image.Resampling.BOX).resize(face.size, Image.Resampling.BICUBIC),
    "lower face covered": cover_lower,
    "rims of glasses": put_glasses_on,
}


def change_faces(faces: FaceSet, name: str) -> FaceSet:
    """Return the faces after the change `name`, a key of CHANGES."""
    change = CHANGES[name]
    changed: list[Pixels] = [np.asarray(change(Image.fromarray(pixels)), np.uint8) for pixels in faces.pixels]
    return replace(faces, pixels=np.stack(changed))  # (N, 48, 48)
