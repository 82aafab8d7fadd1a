"""Opens the pictures that a decoder made, which a hostile photo may have taken over: nothing that it said is believed.

`check_made` reads the file without a decoder, and takes only the plain JPEG that `rebuild` writes. What else a JPEG may be,
such as a larger picture, another coding, a second picture, metadata or a trailer, is refused before a library sees it.
"""

import io
import re

from PIL import Image

from .rebuild import STORED_SIDE_PX

_SOI, _EOI, _JFIF, _TABLES, _CODES, _FRAME, _SCAN = 0xD8, 0xD9, 0xE0, 0xDB, 0xC4, 0xC0, 0xDA
_ORDER = re.compile(rb"\xe0\xdb+\xc0\xc4+\xda")
_AFTER_SCAN = re.compile(rb"\xff[^\x00]")
_COMPONENTS = 3  # Y, Cb, Cr
_SAMPLINGS = {b"\x11\x11\x11", b"\x22\x11\x11"}
"""How many values of each component a block has: colour in full, or at half the size."""


class NotOurPicture(ValueError):
    """A file that is not a JPEG as `rebuild` writes it."""


def check_made(jpeg: bytes, max_side_px: int = STORED_SIDE_PX) -> tuple[int, int]:
    """Return width and height in pixels of a JPEG that `rebuild` made. Decodes nothing. Raises NotOurPicture for any other file."""
    if not jpeg.startswith(bytes((0xFF, _SOI))):
        raise NotOurPicture("no JPEG")
    order, frame, at = b"", b"", 2
    while not order.endswith(bytes((_SCAN,))):
        marker, length = jpeg[at + 1 : at + 2], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        end = at + 2 + length
        if jpeg[at : at + 1] != b"\xff" or length < 2 or end > len(jpeg):
            raise NotOurPicture("a segment that is none")
        order, content, at = order + marker, jpeg[at + 4 : end], end
        frame = content if marker == bytes((_FRAME,)) else frame
    if not _ORDER.fullmatch(order):
        raise NotOurPicture("segments that we do not write")
    found = _AFTER_SCAN.search(jpeg, at)
    if found is None or found.group() != bytes((0xFF, _EOI)) or found.end() != len(jpeg):
        raise NotOurPicture("no end, or something after it")
    return _size(frame, max_side_px)


def _size(frame: bytes, max_side_px: int) -> tuple[int, int]:
    """Return width and height out of the segment that says how the picture is coded: 8 bits, three components."""
    if len(frame) != 6 + 3 * _COMPONENTS or frame[0] != 8 or frame[5] != _COMPONENTS or frame[7::3] not in _SAMPLINGS:
        raise NotOurPicture("a coding that we do not write")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not (0 < width <= max_side_px and 0 < height <= max_side_px):
        raise NotOurPicture(f"{width} x {height} pixels")
    return width, height


def open_made(jpeg: bytes, least_px: int | None = None) -> Image.Image:
    """Return a picture that `rebuild` made, RGB: at most 50 MB of pixels. Raises NotOurPicture for any other file.

    With `least_px`, the decoder halves it as long as its longer side keeps so many pixels, which costs a third.
    """
    size = check_made(jpeg)
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        if image.size != size:
            raise NotOurPicture("another size than its header says")
        if least_px is not None:
            share = least_px / max(size)
            image.draft("RGB", (max(1, round(share * size[0])), max(1, round(share * size[1]))))
        image.load()  # RGB, by its three components: `convert` would copy it
        return image
