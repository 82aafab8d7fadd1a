"""Takes files apart: what makes the pixels goes to the decoder; a fault in anything else cannot sink a good picture.

Trailers, texts, thumbnails, second pictures and films are left out before any decoder runs.
"""

import re
import struct
import zlib
from dataclasses import dataclass, field

from .formats import UndecodablePhoto

MOST_PROFILE_BYTES = 4_000_000
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""The marker after entropy-coded data: neither a stuffed byte nor a restart marker."""

_SOI, _EOI, _SOS, _COMMENT, _EXIF, _ICC, _ADOBE = 0xD8, 0xD9, 0xDA, 0xFE, 0xE1, 0xE2, 0xEE
_WITHOUT_LENGTH = {0x00, 0x01, _SOI, *range(0xD0, 0xD8)}
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass
class Container:
    """A file taken apart."""

    pixels: bytes
    """A file of the same format with nothing but what makes the pixels."""
    exif: bytes = b""
    """TIFF data, perhaps after `Exif\\0\\0`."""
    xmp: bytes = b""
    icc: bytes = b""
    """The colour profile."""
    scans: list[tuple[int, int]] = field(default_factory=list)
    """JPEG: where each scan begins (its marker) and ends in `pixels`."""
    is_doubtful: bool = False
    """PNG: whether a checksum or a length of its pixel data is wrong, so that the data must prove to be whole."""


def take_apart(source: bytes, kind: str) -> Container:
    """Return the parts of a file. HEIF and AVIF stay as they are: their metadata are found by the decoder's index."""
    if kind == "JPEG":
        return _take_jpeg_apart(source)
    if kind == "PNG":
        return _take_png_apart(source)
    if kind == "WEBP":
        return _take_webp_apart(source)
    return Container(source)


def _take_jpeg_apart(source: bytes) -> Container:
    parts, profile = Container(b""), {}
    kept, at = [b"\xff\xd8"], 2
    length = 2
    while (at := source.find(b"\xff", at)) >= 0 and at + 1 < len(source):
        marker = source[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _EOI:
            break
        end = at + 2 + max(2, int.from_bytes(source[at + 2 : at + 4], "big"))  # some programs write a length of 0
        content = source[at + 4 : end]
        if marker == _SOS:
            found = SCAN_END.search(source, end)
            end = found.start() if found else len(source)
            parts.scans.append((length, length + end - at))
        if marker == _EXIF and content.startswith(b"Exif\0\0"):
            parts.exif += content[6:]
        elif marker == _EXIF and content.startswith(_XMP_HEAD):
            parts.xmp = parts.xmp or content[len(_XMP_HEAD) :]
        elif marker == _ICC and content.startswith(b"ICC_PROFILE\0"):
            profile[content[12:13]] = content[14:]
        elif _makes_pixels(marker, content):
            kept.append(source[at:end])
            length += end - at
        at = end
    parts.icc = b"".join(profile[number] for number in sorted(profile))
    parts.pixels = b"".join(kept) + b"\xff\xd9"
    return parts


def _makes_pixels(marker: int, content: bytes) -> bool:
    """Whether a decoder needs the segment. JFIF and Adobe say how the colours are stored."""
    if marker == 0xE0:
        return content.startswith(b"JFIF\0") and len(content) >= 14
    if marker == _ADOBE:
        return content.startswith(b"Adobe") and len(content) >= 12
    return not (0xE0 <= marker <= 0xEF or marker == _COMMENT)


_PNG_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL"}
_PNG_METADATA = {b"eXIf", b"iTXt", b"iCCP"}


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _take_png_apart(source: bytes) -> Container:
    parts, kept, at = Container(b""), [source[:8]], 8
    while at + 8 <= len(source):
        size, kind = int.from_bytes(source[at : at + 4], "big"), source[at + 4 : at + 8]
        end = at + 8 + size
        content, crc = source[at + 8 : end], source[end : end + 4]
        at = end + 4
        if kind == b"IEND":
            break
        if not kind.isalpha():  # this is no chunk: something before it is missing or overwritten
            parts.is_doubtful = True
            break
        if kind not in _PNG_PIXELS | _PNG_METADATA:
            continue
        is_right = len(crc) == 4 and zlib.crc32(kind + content) == int.from_bytes(crc, "big")
        if kind == b"IDAT" or is_right:
            parts.is_doubtful |= not is_right
            if kind in _PNG_PIXELS:
                kept.append(_png_chunk(kind, content))
            else:
                _keep_png_metadata(parts, kind, content)
        elif kind in {b"IHDR", b"PLTE"}:
            raise UndecodablePhoto("unreadable", error=f"checksum of {kind.decode()}")
    parts.pixels = b"".join(kept) + _png_chunk(b"IEND", b"")
    return parts


def _keep_png_metadata(parts: Container, kind: bytes, content: bytes) -> None:
    if kind == b"eXIf":
        parts.exif = content
    elif kind == b"iCCP":
        packed = content.partition(b"\0")[2][1:]
        try:
            parts.icc = zlib.decompressobj().decompress(packed, MOST_PROFILE_BYTES)
        except zlib.error:
            parts.icc = b""
    elif content.startswith(b"XML:com.adobe.xmp\0\0"):
        parts.xmp = content[19:]


def _take_webp_apart(source: bytes) -> Container:
    end = 8 + int.from_bytes(source[4:8], "little")
    if end > len(source):  # bytes are missing, and nothing says where
        raise UndecodablePhoto("unreadable", error="the file is shorter than it says")
    parts, chunks, at = Container(source[:end]), [], 12
    while at + 8 <= end:
        kind, size = source[at : at + 4], int.from_bytes(source[at + 4 : at + 8], "little")
        content = source[at + 8 : at + 8 + size]
        if kind in {b"ANIM", b"ANMF"}:
            return parts  # refused by its number of frames
        if kind == b"EXIF":
            parts.exif = content
        elif kind == b"XMP ":
            parts.xmp = content
        elif kind == b"ICCP":
            parts.icc = content
        elif kind == b"VP8X":
            chunks.append(source[at : at + 8] + bytes([source[at + 8] & 0x10]) + content[1:])  # of its flags only transparency
        elif kind in {b"VP8 ", b"VP8L", b"ALPH"}:
            if at + 8 + size > end:
                raise UndecodablePhoto("unreadable", error="the picture is shorter than it says")
            chunks.append(source[at : at + 8] + content + b"\0" * (size % 2))
        at += 8 + size + size % 2
    body = b"WEBP" + b"".join(chunks)
    parts.pixels = b"RIFF" + struct.pack("<I", len(body)) + body
    return parts
