"""Large photos at half size: what is read, in whose pixels, and when the whole photo is opened after all."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from ml.decode.made import open_made
from ml.serve.half_size import read_photo
from ml.serve.reader import FaceReader

SIZE = (4000, 3000)


def jpeg_with(portrait: Image.Image, *places: tuple[int, int, int]) -> bytes:
    """Return a JPEG of 12 megapixels with the portrait at each place: left, top and side in pixels."""
    photo = Image.new("RGB", SIZE, "gray")
    for left, top, side in places:
        photo.paste(portrait.resize((side, side), Image.Resampling.BICUBIC), (left, top))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92, subsampling=0)
    return file.getvalue()


class Opened:
    """Opens a photo, and remembers at which sizes."""

    def __init__(self, jpeg: bytes) -> None:
        self.open, self.widths = partial(open_made, jpeg), []  # type: ignore[var-annotated]

    def __call__(self, least_px: int | None) -> Image.Image:
        image = self.open(least_px)
        self.widths.append(image.width)
        return image


def test_large_face_is_read_at_half_size_in_pixels_of_the_whole(reader: FaceReader, portrait: Image.Image) -> None:
    jpeg = jpeg_with(portrait, (800, 300, 2400))
    opened = Opened(jpeg)
    half, whole = read_photo(reader, opened, SIZE[0]), reader.read(open_made(jpeg))
    assert opened.widths == [2000]
    assert half.outcome == whole.outcome == "done"
    assert half.faces[0].box.overlap(whole.faces[0].box) > 0.9
    heights = [next(check.measured for check in each.quality if "height" in check.name) for each in (half, whole)]
    assert heights[0] == pytest.approx(heights[1], rel=0.05)
    assert half.probabilities == pytest.approx(whole.probabilities, abs=0.05)


def test_small_face_is_read_from_the_whole_photo(reader: FaceReader, portrait: Image.Image) -> None:
    jpeg = jpeg_with(portrait, (800, 300, 700))  # the face is about 160 px high
    opened = Opened(jpeg)
    half, whole = read_photo(reader, opened, SIZE[0]), reader.read(open_made(jpeg))
    assert opened.widths == [2000, 4000]
    assert half.probabilities == whole.probabilities
    assert half.faces == whole.faces


def test_chosen_face_is_found_by_its_box_in_the_whole_photo(reader: FaceReader, portrait: Image.Image) -> None:
    jpeg = jpeg_with(portrait, (0, 700, 1900), (2000, 700, 1900))
    asked = read_photo(reader, Opened(jpeg), SIZE[0])
    assert asked.outcome == "choose_face"
    right = max(asked.faces, key=lambda face: face.box.left)
    assert right.box.left > 2000
    read = read_photo(reader, Opened(jpeg), SIZE[0], right.box)
    assert read.chosen is not None
    assert read.faces[read.chosen].box.overlap(right.box) > 0.9


def test_photo_that_is_small_already_is_opened_as_it_is(reader: FaceReader, portrait: Image.Image) -> None:
    file = io.BytesIO()
    portrait.save(file, "JPEG", quality=92, subsampling=0)
    opened = Opened(file.getvalue())
    reading = read_photo(reader, opened, portrait.width)
    assert opened.widths == [portrait.width]
    assert np.isclose(sum(reading.probabilities or ()), 1)
