"""JPEGs: truncated, with false headers, with rare encodings, or valid as another format too."""

import base64
import io
import struct

from PIL import Image

from tests.factories import picture
from tests.hostile.case import MARK, Hostile
from tests.hostile.foreign import zipped

# 16 x 16 pixels by `cjpeg -arithmetic`; Pillow cannot write it.
ARITHMETIC = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/"
    "2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/yQARCAAQABADASIAAhEBAxEB/8wA"
    "CgAQEAUBEBEF/9oADAMBAAIRAxEAPwDAHj4hJJld+g3jpHEfLLd3tGSBZroYkEd6OPGGJ/j/2Q=="
)
SOF, DHT, SOS, COMMENT = 0xC0, 0xC4, 0xDA, 0xFE


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(*segments: bytes, photo: bytes | None = None) -> bytes:
    """Return a photo with `segments` right after its start."""
    photo = picture() if photo is None else photo
    return photo[:2] + b"".join(segments) + photo[2:]


def position(photo: bytes, marker: int) -> int:
    """Return where the first segment with `marker` begins."""
    at = 2
    while photo[at + 1] != marker:
        at += 2 + int.from_bytes(photo[at + 2 : at + 4], "big")
    return at


def patched(marker: int, offset: int, new: bytes, photo: bytes | None = None) -> bytes:
    """Return a photo with `new` written `offset` bytes into the first segment with `marker` (0: the marker's 0xFF)."""
    photo = picture() if photo is None else photo
    at = position(photo, marker) + offset
    return photo[:at] + new + photo[at + len(new) :]


def sized(width: int, height: int) -> bytes:
    """Return a small photo whose header claims another size."""
    return patched(SOF, 5, struct.pack(">HH", height, width))


def with_many_scans(scans: int) -> bytes:
    """Return a progressive JPEG that repeats its first scan."""
    photo = picture(progressive=True)
    start = position(photo, SOS)
    end = photo.index(b"\xff", start + 2)
    while photo[end + 1] == 0:  # a stuffed zero byte: still data of this scan
        end = photo.index(b"\xff", end + 2)
    return photo[:start] + photo[start:end] * scans + photo[start:]


def with_two_headers() -> bytes:
    """Return a photo that states two sizes."""
    photo = picture()
    at = position(photo, SOF)
    length = 2 + int.from_bytes(photo[at + 2 : at + 4], "big")
    header = photo[at : at + length]
    return photo[:at] + header[:5] + struct.pack(">HH", 4000, 4000) + header[9:] + photo[at:]


def with_depth() -> bytes:
    """Return a phone's JPEG with a second picture after the first."""
    file = io.BytesIO()
    depth = Image.new("L", (32, 24), 128)
    Image.new("RGB", (64, 48), "teal").save(file, "MPO", save_all=True, append_images=[depth])
    return file.getvalue()


def cut(share: float) -> bytes:
    """Return the first part of a photo."""
    photo = picture(256, 192, quality=95)
    return photo[: int(len(photo) * share)]


def _bad(what: str, content: bytes) -> Hostile:
    return Hostile(what, lambda: content, "unreadable")


def _taken(what: str, content: bytes, size: tuple[int, int] = (64, 48)) -> Hostile:
    return Hostile(what, lambda: content, None, size=size)


JPEGS: tuple[Hostile, ...] = (
    _bad("jpeg of three bytes", b"\xff\xd8\xff"),
    _bad("jpeg that ends in its header", picture()[:100]),
    _bad("jpeg without pixels", picture()[: position(picture(), SOS)]),
    _bad("half a jpeg", cut(0.5)),
    _bad("nine tenths of a jpeg", cut(0.9)),
    _bad("jpeg without a header of its size", with_segments(photo=picture()).replace(b"\xff\xc0", b"\xff\xea")),
    _bad("jpeg with a segment beyond its end", b"\xff\xd8\xff\xe1\xff\xff" + picture()[2:]),
    Hostile("jpeg that claims 65535 x 65535", lambda: sized(65_535, 65_535), "too_many_pixels"),
    Hostile("jpeg that claims 16385 x 1", lambda: sized(16_385, 1), "side_too_long"),
    _bad("jpeg that claims 12001 x 1", sized(12_001, 1)),
    # 700 bytes, and an end where one belongs: the decoder would paint the rest grey.
    _bad("jpeg that claims just under 40 megapixels", sized(11_999, 3_333)),
    _bad("jpeg of no height", sized(64, 0)),
    _bad("jpeg of no width", sized(0, 48)),
    _bad("jpeg that states two sizes", with_two_headers()),
    _bad("jpeg of 12 bits", patched(SOF, 4, b"\x0c")),
    _bad("lossless jpeg", patched(SOF, 1, b"\xc3")),
    _bad("hierarchical jpeg", patched(SOF, 1, b"\xc5")),
    _bad("jpeg of nine colours", patched(SOF, 9, b"\x09")),
    _bad("jpeg with impossible Huffman tables", patched(DHT, 5, b"\xff" * 16)),
    _bad("jpeg with a scan of colours it has not", patched(SOS, 5, b"\x09")),
    Hostile("progressive jpeg in 5,000 scans", lambda: with_many_scans(5_000), "too_many_scans"),
    _taken("jpeg with a segment of no length", b"\xff\xd8\xff\xe1\0\0" + picture()[2:]),
    _taken("progressive jpeg", picture(progressive=True)),
    _taken("arithmetic coded jpeg", base64.b64decode(ARITHMETIC), (16, 16)),
    _taken("cmyk jpeg", picture(mode="CMYK")),
    _taken("grey jpeg", picture(mode="L", colour="grey")),
    _taken("phone's jpeg with a second picture", with_depth()),
    # Fifteen megabytes of film contain that many start-of-scan markers by chance.
    _taken("phone's jpeg with a film behind it", picture() + b"\0\0\0\x18ftypmp42" + b"\xff\xda\x5a\xc3" * 300),
    _taken("jpeg of one pixel", picture(1, 1), (1, 1)),
    _taken("jpeg and archive", picture() + zipped()),
    _taken("jpeg and page", with_segments(segment(COMMENT, b"<script>alert('" + MARK + b"')</script>"))),
    _taken("jpeg and page at its end", picture() + b"<html><script>" + MARK + b"</script></html>"),
    _taken("jpeg and PHP", with_segments(segment(COMMENT, b"<?php system('" + MARK + b"'); ?>"))),
    _taken("jpeg and PDF", with_segments(segment(COMMENT, b"%PDF-1.7\n" + MARK + b"\n%%EOF"))),
    _taken("jpeg and program", picture() + b"MZ\x90\0" + MARK * 100),
    _taken("jpeg and JavaScript", with_segments(segment(0xE0, b"/*" + bytes(100) + b"*/=alert('" + MARK + b"');/*"))),
    _taken("two jpegs in a row", picture() + picture(800, 600, "red")),
    _taken("jpeg with 200 comments", with_segments(*[segment(COMMENT, MARK * 9_000)] * 200)),
)
