"""HEICs: truncated, and with false headers."""

import struct

import pillow_heif

from tests.factories import picture
from tests.hostile.case import MARK, Hostile


def heic() -> bytes:
    """Return a small HEIC."""
    pillow_heif.register_heif_opener()
    return picture(file_format="HEIF")


def sized(width: int, height: int) -> bytes:
    """Return a HEIC whose container claims another size than its picture has."""
    made = heic()
    at = made.index(b"ispe") + 8
    return made[:at] + struct.pack(">II", width, height) + made[at + 8 :]


def without_place() -> bytes:
    """Return a HEIC whose picture data would start after the end of the file."""
    made = heic()
    at = made.index(b"iloc")
    return made[: at + 8] + made[at + 8 : at + 24].replace(b"\0\0", b"\x7f\xff") + made[at + 24 :]


def _heic(what: str, content: bytes, code: str | None) -> Hostile:
    return Hostile(what, lambda: content, code, "photo.heic")


HEICS: tuple[Hostile, ...] = (
    _heic("heic of its first twelve bytes", heic()[:12], "unreadable"),
    _heic("heic cut in its directory", heic()[:120], "unreadable"),
    _heic("heic without its last byte", heic()[:-1], "unreadable"),
    _heic("half a heic", heic()[: len(heic()) // 2], "unreadable"),
    _heic("heic that claims 13000 x 5000", sized(13_000, 5_000), "unreadable"),
    _heic("heic that claims 60000 x 60000", sized(60_000, 60_000), "unreadable"),
    _heic("heic that claims 4 billion pixels a side", sized(2**32 - 1, 2**32 - 1), "unreadable"),
    _heic("heic of no size", sized(0, 0), "unreadable"),
    _heic("heic that claims more than it has", sized(6_000, 6_000), "unreadable"),
    _heic("heic whose picture lies beyond its end", without_place(), "unreadable"),
    _heic("heic of nothing but its type", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(100), "unreadable"),
    _heic("heic", heic(), None),
    _heic("heic with something behind it", heic() + MARK * 100, None),
)
