"""WebPs: truncated, with false headers, animated."""

import struct

from PIL import Image

from tests.factories import picture
from tests.hostile.case import MARK, Hostile
from tests.hostile.foreign import zipped


def riff(*chunks: bytes) -> bytes:
    """Return a WebP container around `chunks`."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def part(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its length, padded."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    """Return the chunk that states the size of an extended WebP."""
    return part(b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def with_exif() -> bytes:
    """Return a picture with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 8, MARK.decode()
    return picture(file_format="WEBP", exif=exif)


def _webp(what: str, content: bytes, code: str | None, size: tuple[int, int] = (64, 48)) -> Hostile:
    return Hostile(what, lambda: content, code, "photo.webp", size)


WHOLE = picture(file_format="WEBP")
LOSSLESS = picture(file_format="WEBP", lossless=True)
HUGE_LOSSLESS = part(b"VP8L", b"\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little") + bytes(30))
WEBPS: tuple[Hostile, ...] = (
    _webp("webp of its first twelve bytes", WHOLE[:12], "unreadable"),
    _webp("webp cut in its header", WHOLE[:26], "unreadable"),
    _webp("half a webp", WHOLE[: len(WHOLE) // 2], "unreadable"),
    _webp("webp that claims 16383 x 16383", riff(canvas(16_383, 16_383), WHOLE[12:]), "unreadable"),
    _webp("lossless webp that claims 16383 x 16383", riff(HUGE_LOSSLESS), "unreadable"),
    _webp("webp whose canvas is larger than its picture", riff(canvas(6_000, 6_000), WHOLE[12:]), "unreadable"),
    _webp("webp that claims 4 GB", WHOLE[:4] + b"\xff\xff\xff\xff" + WHOLE[8:], "unreadable"),
    _webp("webp with pixels of rubbish", WHOLE[:30] + b"\xff" * 60, "unreadable"),
    _webp("lossless webp", LOSSLESS, None),
    _webp("webp with transparency", picture(file_format="WEBP", mode="RGBA"), None),
    Hostile("webp that EXIF turns", with_exif, None, "photo.webp", (48, 64)),
    _webp("animated webp", picture(file_format="WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48))]), "animated"),
    _webp("webp and archive", WHOLE + zipped(), None),
)
