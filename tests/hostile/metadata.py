"""Metadata of JPEGs: orientation, EXIF, XMP, profiles. Broken or hostile metadata is dropped."""

import struct

from PIL import Image

from tests.factories import picture
from tests.hostile.case import MARK, Hostile, fixed
from tests.hostile.jpegs import segment, with_segments

APP1, APP2 = 0xE1, 0xE2
LONG, SHORT, ASCII, RATIONAL = 4, 3, 2, 5
ORIENTATION, EXIF_IFD, THUMBNAIL_AT, THUMBNAIL_BYTES = 0x0112, 0x8769, 0x0201, 0x0202
XMP = b'http://ns.adobe.com/xap/1.0/\0<?xpacket?><!DOCTYPE x [<!ENTITY a "%s">]><x:xmpmeta tiff:Orientation="6">&a;</x:xmpmeta>'


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    """Return one entry of an IFD."""
    return struct.pack("<HHII", tag, kind, count, value)


def exif(*entries: bytes, next_ifd: int = 0, after: bytes = b"") -> bytes:
    """Return a segment with one IFD at offset 8 of its TIFF data."""
    tiff = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + struct.pack("<I", next_ifd) + after
    return segment(APP1, b"Exif\0\0" + tiff)


def turned(orientation: int) -> bytes:
    """Return a photo with an EXIF orientation."""
    made = Image.Exif()
    made[ORIENTATION] = orientation
    return picture(exif=made)


def located() -> bytes:
    """Return a photo that says where, when and by which camera it was taken."""
    made = Image.Exif()
    made[0x010F] = MARK.decode()
    made.get_ifd(EXIF_IFD)[0x9003] = "2026:11:20 09:46:00"
    made.get_ifd(EXIF_IFD)[0x927C] = MARK * 500  # maker's note
    made.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 12.0), 29: MARK.decode()})
    return picture(exif=made)


def _taken(what: str, *segments: bytes, size: tuple[int, int] = (64, 48)) -> Hostile:
    return Hostile(what, fixed(with_segments(*segments)), None, size=size)


METADATA: tuple[Hostile, ...] = (
    *(
        Hostile(f"exif orientation {number}", fixed(turned(number)), None, size=(64, 48) if number < 5 else (48, 64))
        for number in range(1, 9)
    ),
    _taken("exif orientation 0", exif(entry(ORIENTATION, SHORT, 1, 0))),
    _taken("exif orientation 9", exif(entry(ORIENTATION, SHORT, 1, 9))),
    _taken("exif orientation as text", exif(entry(ORIENTATION, ASCII, 4, 0x36363636))),
    _taken("exif orientation many times over", exif(entry(ORIENTATION, SHORT, 0xFFFFFFFF, 8))),
    _taken("exif that is no TIFF", segment(APP1, b"Exif\0\0" + MARK * 20)),
    _taken("exif of no length", segment(APP1, b"Exif\0\0")),
    _taken("exif cut in its header", segment(APP1, b"Exif\0\0II*")),
    _taken("exif that begins beyond its end", segment(APP1, b"Exif\0\0II*\0\xff\xff\xff\x7f")),
    _taken("exif with more entries than bytes", segment(APP1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + MARK)),
    _taken("exif that contains itself", exif(entry(EXIF_IFD, LONG, 1, 8), next_ifd=8)),
    _taken("exif whose next part is itself", exif(entry(ORIENTATION, SHORT, 1, 6), next_ifd=8), size=(48, 64)),
    _taken("exif with a fraction by zero", exif(entry(0x011A, RATIONAL, 1, 26), after=bytes(8))),
    _taken(
        "exif with a clock of control characters", exif(entry(EXIF_IFD, LONG, 1, 26), after=b"\x01\0\x03\x90\x02\0\x14\0\0\0\0\0")
    ),
    _taken(
        "exif with a huge thumbnail",
        exif(entry(THUMBNAIL_AT, LONG, 1, 38), entry(THUMBNAIL_BYTES, LONG, 1, 60_000), after=MARK * 8_000),
    ),
    _taken(
        "exif with a thumbnail beyond its end",
        exif(entry(THUMBNAIL_AT, LONG, 1, 0x7FFFFFFF), entry(THUMBNAIL_BYTES, LONG, 1, 0x7FFFFFFF)),
    ),
    _taken("exif twice", exif(entry(ORIENTATION, SHORT, 1, 1)), exif(entry(ORIENTATION, SHORT, 1, 6))),
    Hostile("exif with place, camera and maker's note", located, None),
    _taken("xmp with entities that turns the photo", segment(APP1, XMP % (MARK * 100)), size=(48, 64)),
    _taken("colour profile of rubbish", segment(APP2, b"ICC_PROFILE\0\x01\x01" + MARK * 100)),
    _taken("colour profile with a part missing", segment(APP2, b"ICC_PROFILE\0\x02\x05" + MARK)),
    _taken("colour profile in part 0 of 0", segment(APP2, b"ICC_PROFILE\0\0\0" + MARK)),
    _taken("index of pictures that are not there", segment(APP2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + MARK)),
    _taken("Photoshop's block of rubbish", segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0\xff\xff\xff\xff" + MARK)),
    _taken("Adobe's block cut short", segment(0xEE, b"Adobe")),
)
