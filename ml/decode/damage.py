"""Whether the pixel data of a file are whole. Decoders bridge damage in silence: a face torn in two would be read like any other.

What is looked for, by format; docs/upload-codes.md says how much of it is seen and what cannot be:
- JPEG: libjpeg's own warnings (data that end early, or go on after the last block), and zeros that no encoder writes.
- PNG: the checksum of each chunk; where one is wrong, the checksum of the whole stream.
- HEIC: sequences that HEVC forbids (three zeros in a row), and lengths that do not add up.
- AVIF: lengths that do not add up, and long runs of one byte, which an arithmetic coder does not write.
- WebP: long runs of one byte.
"""

import re
import zlib
from collections.abc import Iterator

from .containers import SCAN_END, Container
from .formats import UndecodablePhoto, boxes

RUN_BYTES = 64
"""A run of one byte that an AVIF does not hold: the longest in drawn, flat and photographed pictures is under 16."""
WEBP_RUN_BYTES = 256
"""Likewise in a WebP: 231 zeros were met in a drawing, 16 in a portrait."""
JPEG_RUN_BYTES = 64
"""Likewise in a JPEG, where the tables do not make it a flat area: over two blocks in which every coefficient is minus one."""
JPEG_PART_RUN_BYTES = 320
"""Likewise in a scan that holds a part of the coefficients: 281 zeros were met in a drawn gradient."""
SPARE_BYTES = 2
"""Some webcams write this much after the last block."""
PIECE_BYTES = 1_000_000

_RUN = re.compile(rb"\x00{%d}|\xff{%d}" % (RUN_BYTES, RUN_BYTES))
_WEBP_RUN = re.compile(rb"\x00{%d}|\xff{%d}" % (WEBP_RUN_BYTES, WEBP_RUN_BYTES))
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_FORBIDDEN_IN_HEVC = re.compile(rb"\x00\x00[\x00-\x02]")


def check_whole(parts: Container, kind: str) -> None:
    """Return when no damage is seen in the pixel data. Raises UndecodablePhoto unreadable."""
    seen = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "HEIF": _items, "AVIF": _items}[kind](parts)
    if seen:
        raise UndecodablePhoto("unreadable", error=seen)


def _png(parts: Container) -> str | None:
    if not parts.is_doubtful:
        return None
    stream = zlib.decompressobj()
    try:
        for kind, start, end in _png_chunks(parts.pixels):
            rest = parts.pixels[start:end] if kind == b"IDAT" else b""
            while rest and not stream.eof:
                stream.decompress(rest, PIECE_BYTES)
                rest = stream.unconsumed_tail
    except zlib.error:
        return "checksum"
    return None if stream.eof else "the data end early"


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], at + 8, at + 8 + size
        at += size + 12


def _webp(parts: Container) -> str | None:
    at = 12
    while at + 8 <= len(parts.pixels):
        kind, size = parts.pixels[at : at + 4], int.from_bytes(parts.pixels[at + 4 : at + 8], "little")
        # The first part of a lossy picture holds how its blocks are predicted: over flat areas that is zeros.
        flat = 10 + (int.from_bytes(parts.pixels[at + 8 : at + 11], "little") >> 5) if kind == b"VP8 " else 0
        if kind in {b"VP8 ", b"VP8L"} and _WEBP_RUN.search(parts.pixels, at + 8 + flat, at + 8 + size):
            return "a run of one byte"
        at += 8 + size + size % 2
    return None


# --- JPEG


def _jpeg(parts: Container) -> str | None:
    if _has_zeros_of_no_encoder(parts):
        return "a run of zeros"
    complaint = _strict(parts.pixels)
    if complaint and parts.scans and parts.pixels[parts.scans[-1][1] - 1] == 0:  # some cameras fill the last block with zeros
        end = parts.scans[-1][1]
        complaint = _strict(parts.pixels[:end].rstrip(b"\0") + parts.pixels[end:])
    return complaint


def _strict(jpeg: bytes) -> str | None:
    """Return libjpeg's warning about the data, or None. Everything else that it finds is the first decoder's to judge."""
    import simplejpeg  # needs numpy, a fifth of a second that other formats do not pay

    try:
        simplejpeg.decode_jpeg(jpeg, "GRAY", min_factor=8, strict=True)
    except ValueError as error:
        text = str(error)
        spare = _EXTRANEOUS.search(text)
        is_damage = "Corrupt JPEG data" in text or "Premature end" in text
        return text if is_damage and not (spare and int(spare[1]) <= SPARE_BYTES) else None
    return None


def _has_zeros_of_no_encoder(parts: Container) -> bool:
    """Whether a scan holds zeros which, by its tables, are no flat area."""
    for start, end in parts.scans:
        zeros = bytes(JPEG_RUN_BYTES if len(parts.scans) == 1 else JPEG_PART_RUN_BYTES)
        found = parts.pixels.find(zeros, start, end)
        if found >= 0 and not _may_be_flat(parts.pixels, start):
            return True
    return False


def _may_be_flat(jpeg: bytes, scan: int) -> bool:
    """Whether zeros in the scan can be a flat area: where they spell "no change" and "no more of this block", or single bits."""
    count = jpeg[scan + 4]
    first, last, planes = jpeg[scan + 5 + 2 * count : scan + 8 + 2 * count]
    if planes >> 4:  # single bits, added to what an earlier scan said
        return first == 0
    tables = _symbols_of_zeros(jpeg, scan)
    for at in range(scan + 6, scan + 6 + 2 * count, 2):
        dc, ac = jpeg[at] >> 4, jpeg[at] & 15
        if (first == 0 and tables.get(dc, 0) != 0) or (last > 0 and tables.get(16 + ac, 0) & 15 != 0):
            return False
    return True


def _symbols_of_zeros(jpeg: bytes, end: int) -> dict[int, int]:
    """Return the symbol that zeros spell in each Huffman table before `end`, by class * 16 + number."""
    symbols, at = {}, 2
    while at + 4 <= end and jpeg[at] == 0xFF:
        size = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == 0xC4:
            table = at + 4
            while table + 17 < at + 2 + size:
                symbols[jpeg[table]] = jpeg[table + 17]
                table += 17 + sum(jpeg[table + 1 : table + 17])
        at += 2 + size
        if jpeg[at - 2 - size + 1] == 0xDA:  # a scan: its data go on to the next marker
            found = SCAN_END.search(jpeg, at)
            at = found.start() if found else end
    return symbols


# --- HEIC and AVIF: ISO 23008-12


def _items(parts: Container) -> str | None:
    source = parts.pixels
    try:
        kinds, places = _index(source)
    except LookupError:  # an index that breaks off: the decoder says so
        return None
    settings = source.find(b"hvcC")
    length_bytes = 1 + (source[settings + 25] & 3) if 0 <= settings < len(source) - 25 else 4
    for item, extents in places.items():
        data = b"".join(source[start : start + size] for start, size in extents)
        if len(data) != sum(size for _start, size in extents):
            return "the data end early"
        if kinds.get(item) == b"hvc1" and (seen := _hevc(data, length_bytes)):
            return seen
        if kinds.get(item) == b"av01" and (seen := _av1(data)):
            return seen
    return None


def _index(source: bytes) -> tuple[dict[int, bytes], dict[int, list[tuple[int, int]]]]:
    """Return the kind of each item, and where its data lie in the file. Items in other places are left out."""
    kinds: dict[int, bytes] = {}
    places: dict[int, list[tuple[int, int]]] = {}
    for meta in boxes(source, 0, len(source)):
        if meta.kind != b"meta":
            continue
        for box in boxes(source, meta.start + 4, meta.end):
            if box.kind == b"iinf":
                head = 6 if source[box.start] == 0 else 8
                for entry in boxes(source, box.start + head, box.end):
                    wide = 2 if source[entry.start] == 3 else 0
                    number = int.from_bytes(source[entry.start + 4 : entry.start + 6 + wide], "big")
                    kinds[number] = source[entry.start + 8 + wide : entry.start + 12 + wide]
            elif box.kind == b"iloc":
                places = dict(_places(source[box.start : box.end]))
    return kinds, places


class _Numbers:
    """Reads big-endian numbers one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def next(self, size: int) -> int:
        """Return the next number of `size` bytes."""
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")


def _places(iloc: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    numbers = _Numbers(iloc)
    version = numbers.next(4) >> 24
    sizes = numbers.next(2)
    offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    for _ in range(numbers.next(4 if version == 2 else 2)):
        item = numbers.next(4 if version == 2 else 2)
        method = numbers.next(2) & 15 if version else 0
        numbers.next(2)
        base = numbers.next(base_size)
        extents = []
        for _ in range(numbers.next(2)):
            if version:
                numbers.next(index_size)
            start = base + numbers.next(offset_size)
            extents.append((start, numbers.next(length_size)))
        if numbers.at > len(iloc):
            return
        if method == 0 and all(size for _start, size in extents):
            yield item, extents


def _hevc(data: bytes, length_bytes: int) -> str | None:
    at = 0
    while at < len(data):
        start = at + length_bytes
        end = start + int.from_bytes(data[at:start], "big")
        if not start < end <= len(data) or data[start] & 0x80:
            return "lengths that do not add up"
        if _FORBIDDEN_IN_HEVC.search(data, start, end):
            return "a sequence that HEVC forbids"
        at = end
    return None


def _av1(data: bytes) -> str | None:
    at = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 4 else 1
        if head & 0x80:
            return "a header that AV1 forbids"
        size, shift = len(data) - at, 0
        if head & 2:  # LEB128
            size = 0
            while at < len(data) and shift < 56:
                size |= (data[at] & 0x7F) << shift
                at, shift = at + 1, shift + 7
                if data[at - 1] < 0x80:
                    break
        at += size
        if at > len(data):
            return "lengths that do not add up"
    return "a run of one byte" if _RUN.search(data) else None
