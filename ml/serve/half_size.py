"""Reads a large photo at half its size, as a JPEG decoder gives it at a third of the cost, and in full where that shows too little.

The detector never looks at more than 1,280 pixels, and the network at 48: a face that is twice as high at half size loses nothing
that either would see (docs/adr/0149-large-photos-are-read-at-half-size.md has what was measured).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from .expressions import INPUT_SIDE, Face, FaceBox, Reading
from .faces import SECOND_SIDE_PX
from .quality import HEIGHT
from .reader import FaceReader

ENOUGH_PX = SECOND_SIDE_PX
"""Least longer side of the smaller picture, in pixels."""
LEAST_FACE_PX = 2 * INPUT_SIDE
"""A face of less height at half size is read from the whole photo."""

Opened = Callable[[int | None], Image.Image]
"""Opens the photo with a longer side of at least so many pixels, perhaps of more; None: in full."""


def read_photo(reader: FaceReader, opened: Opened, width: int, face: FaceBox | None = None) -> Reading:
    """Return what `FaceReader.read` does of a photo `width` pixels wide. All boxes are in pixels of the whole photo."""

    def read(image: Image.Image) -> tuple[Reading, ...]:
        return (reader.read(image, face=None if face is None else face.scaled(image.width / width)),)

    return _at_half_size(opened, width, read)[0]


def read_faces(
    reader: FaceReader, opened: Opened, width: int, choose: Callable[[tuple[Face, ...]], Sequence[int]]
) -> tuple[Reading, ...]:
    """Return what `FaceReader.read_faces` does of a photo `width` pixels wide, with boxes in pixels of the whole photo."""
    return _at_half_size(opened, width, lambda image: reader.read_faces(image, choose))


def _at_half_size(opened: Opened, width: int, read: Callable[[Image.Image], tuple[Reading, ...]]) -> tuple[Reading, ...]:
    small = opened(ENOUGH_PX)
    scale = width / small.width
    readings = read(small)
    if scale == 1:
        return readings
    if all(map(is_enough, readings)):
        return tuple(in_whole_pixels(reading, scale) for reading in readings)
    del small  # before four times as many pixels need room
    return read(opened(None))


def is_enough(reading: Reading) -> bool:
    """Return whether nothing would be gained by reading the whole photo: no face is too small for it."""
    return reading.chosen is None or reading.faces[reading.chosen].box.height >= LEAST_FACE_PX


def in_whole_pixels(reading: Reading, scale: float) -> Reading:
    """Return a reading with boxes and heights in pixels of the whole photo."""
    faces = tuple(replace(face, box=face.box.scaled(scale)) for face in reading.faces)
    checks = tuple(
        replace(check, measured=round(scale * check.measured, 3)) if check.name == HEIGHT else check for check in reading.quality
    )
    return replace(reading, faces=faces, quality=checks)
