"""Which decoder a file needs, by its first bytes alone: names and extensions say nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_BYTES = 30_000_000  # 50-megapixel JPEGs of phones have 10 to 25 MB

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
CONTAINER_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf"}
"""Brands of ISO 23008-12 that say nothing of the coding of the picture."""
MAX_BRANDS = 64


class UndecodablePhoto(Exception):
    """A file that is not opened. `code` names the reason, `detail` the measured facts."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Box:
    """A box of an ISO base media file (ISO 14496-12): its kind and where its content lies."""

    kind: bytes
    start: int
    end: int


def boxes(source: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets. Stops at the first that does not fit."""
    while start + 8 <= end:
        size, head = int.from_bytes(source[start : start + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(source[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            return
        yield Box(source[start + 4 : start + 8], start + head, start + size)
        start += size


def sniff(source: bytes) -> str | None:
    """Return the format that the first bytes announce: JPEG, PNG, WEBP, HEIF, AVIF or None. Decodes nothing."""
    if source.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if source.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if source[:4] == b"RIFF" and source[8:12] == b"WEBP":
        return "WEBP"
    return _sniff_boxes(source) if source[4:8] == b"ftyp" else None


def _sniff_boxes(source: bytes) -> str | None:
    """Return the coding that the brands name, the major one first. Brands of the container alone: the kind of the items decides."""
    end = min(int.from_bytes(source[:4], "big"), 16 + 4 * MAX_BRANDS)
    brands = [source[8:12], *(source[at : at + 4] for at in range(16, end - 3, 4))]
    for brand in brands:
        if brand in AVIF_BRANDS:
            return "AVIF"
        if brand in HEIC_BRANDS:
            return "HEIF"
    if not CONTAINER_BRANDS.intersection(brands):
        return None
    return "AVIF" if b"av01" in source[:100_000] and b"hvc1" not in source[:100_000] else "HEIF"


def check_outside(source: bytes, max_bytes: int = MAX_BYTES) -> str:
    """Return the announced format after the checks that need no decoder: size and first bytes.

    Raises UndecodablePhoto: empty, too_large, unsupported_format.
    """
    if not source:
        raise UndecodablePhoto("empty")
    if len(source) > max_bytes:
        raise UndecodablePhoto("too_large", bytes=len(source), max_bytes=max_bytes)
    kind = sniff(source)
    if kind is None:
        raise UndecodablePhoto("unsupported_format")
    return kind
