"""PNGs: truncated, with false headers, decompression bombs, and rare pixel formats."""

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

from tests.factories import picture
from tests.hostile.case import MARK, Hostile
from tests.hostile.foreign import zipped

HEAD = b"\x89PNG\r\n\x1a\n"
END = b"IEND"


def chunk(kind: bytes, content: bytes = b"", crc: int | None = None) -> bytes:
    """Return a chunk with its length and checksum."""
    checksum = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def header(width: int, height: int, depth: int = 8, colours: int = 2, interlaced: int = 0) -> bytes:
    """Return the header chunk. Colours: 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB + alpha."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced))


def png(*chunks: bytes) -> bytes:
    """Return a file of these chunks and an end chunk."""
    return HEAD + b"".join(chunks) + chunk(END)


def pixels(row_bytes: int, rows: int, filled: int = 0) -> bytes:
    """Return a chunk with unfiltered rows."""
    return chunk(b"IDAT", zlib.compress((b"\0" + bytes([filled]) * row_bytes) * rows))


def with_chunks(*chunks: bytes) -> bytes:
    """Return a picture with `chunks` right after its header."""
    made = picture(file_format="PNG")
    return made[:33] + b"".join(chunks) + made[33:]


def drawn(mode: str, **options: object) -> bytes:
    """Return 64 x 48 pixels of a mode."""
    file = io.BytesIO()
    Image.new(mode, (64, 48)).save(file, "PNG", **options)
    return file.getvalue()


def tall_text() -> bytes:
    """Return 70 text chunks of a megabyte each, a few kilobytes compressed."""
    text = PngImagePlugin.PngInfo()
    for number in range(70):
        text.add_text(f"k{number}", "A" * 1_040_000, zip=True)
    return picture(file_format="PNG", pnginfo=text)


def turned() -> bytes:
    """Return a picture with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, MARK.decode()
    return picture(file_format="PNG", exif=exif)


def zeros(length: int) -> bytes:
    """Return `length` zeros, compressed."""
    return zlib.compress(bytes(length), 9)


def endless() -> bytes:
    """Return a small picture with far more data than it has pixels."""
    return png(header(64, 48, colours=0), chunk(b"IDAT", zeros(20_000_000)))


def _png(what: str, content: bytes, code: str | None, size: tuple[int, int] = (64, 48)) -> Hostile:
    return Hostile(what, lambda: content, code, "photo.png", size)


WHOLE = picture(file_format="PNG")
PNGS: tuple[Hostile, ...] = (
    _png("png of its first eight bytes", WHOLE[:8], "unreadable"),
    _png("png cut in its header", WHOLE[:25], "unreadable"),
    _png("png without pixels", WHOLE[:33] + chunk(END), "unreadable"),
    _png("half a png", WHOLE[: len(WHOLE) // 2], "unreadable"),
    _png("png without its end chunk", WHOLE[:-12], None),
    _png("png that claims 50000 x 50000 in 60 bytes", png(header(50_000, 50_000), pixels(9, 1)), "too_many_pixels"),
    _png("png that claims 2147483647 x 2147483647", png(header(2**31 - 1, 2**31 - 1), pixels(9, 1)), "too_many_pixels"),
    _png("png of minus one pixel", png(header(2**32 - 1, 2**32 - 1), pixels(9, 1)), "too_many_pixels"),
    _png("png just under 40 megapixels without them", png(header(11_999, 3_333), pixels(9, 1)), "unreadable"),
    _png(
        "png just under 40 megapixels in 100 kB", png(header(11_999, 3_333, colours=0), pixels(11_999, 3_333)), None, (4096, 1138)
    ),
    _png("png of no width", png(header(0, 48), pixels(0, 48)), "unreadable"),
    Hostile("png whose pixels go on for 20 MB", endless, None, "photo.png"),
    Hostile("png with a text bomb", lambda: with_chunks(chunk(b"zTXt", b"k\0\0" + zeros(20_000_000))), None, "photo.png"),
    Hostile(
        "png with an international text bomb",
        lambda: with_chunks(chunk(b"iTXt", b"k\0\1\0\0\0" + zeros(20_000_000))),
        None,
        "photo.png",
    ),
    Hostile("png with 70 texts of a megabyte", tall_text, None, "photo.png"),
    Hostile(
        "png with a colour profile bomb",
        lambda: with_chunks(chunk(b"iCCP", b"k\0\0" + zeros(20_000_000))),
        None,
        "photo.png",
    ),
    _png("png with a colour profile of rubbish", with_chunks(chunk(b"iCCP", b"k\0\0" + MARK)), None),
    _png("png with a wrong checksum beside its pixels", with_chunks(chunk(b"gAMA", bytes(4), crc=1)), None),
    _png("png with a wrong checksum of its size", WHOLE[:29] + bytes(4) + WHOLE[33:], "unreadable"),
    _png("png with a chunk of 4 GB", WHOLE[:33] + b"\xff\xff\xff\xffIDAT" + WHOLE[41:], None),
    _png("png with two headers", with_chunks(header(11_000, 3_000)), "unreadable"),
    _png("png with 50,000 empty chunks", with_chunks(*[chunk(b"teSt")] * 50_000), None),
    _png("png of impossible depth", png(header(64, 48, depth=3), pixels(192, 48)), "unreadable"),
    _png("png of impossible colours", png(header(64, 48, colours=5), pixels(192, 48)), "unreadable"),
    _png("png with a palette that is missing", png(header(64, 48, colours=3), pixels(64, 48, 200)), None),
    _png("png of 16 bits", drawn("I;16"), None),
    _png("png of 16 bits in colour", png(header(64, 48, depth=16), pixels(384, 48, 90)), None),
    _png("png of one bit", drawn("1"), None),
    _png("png with a palette and transparency", drawn("P", transparency=0), None),
    _png("png in grey with transparency", drawn("LA"), None),
    _png("png in seven passes", png(header(8, 8, interlaced=1), pixels(64, 40)), None, (8, 8)),
    _png("animated png", picture(file_format="PNG", save_all=True, append_images=[Image.new("RGB", (64, 48))]), "animated"),
    _png("png that says it has 2 billion frames", with_chunks(chunk(b"acTL", b"\x7f\xff\xff\xff\0\0\0\0")), "animated"),
    Hostile("png that EXIF turns", turned, None, "photo.png", (48, 64)),
    _png("png and archive", WHOLE + zipped(), None),
    _png("png with a script in its text", with_chunks(chunk(b"tEXt", b"Comment\0<script>" + MARK)), None),
)
