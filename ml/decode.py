"""Untrusted bytes to an upright picture without metadata; or a code that says why not.

Used in two ways: `open_photo` in the process that calls it (the command line), and `python -m ml.decode` as a process of its own
with limits on memory and time, which is how an upload is taken in: no decoder ever runs in a web process.

The process reads the file from standard input and writes one line of JSON, then the bytes of two JPEGs (the photo, its preview):
`{"width", "height", "taken_at", "image_bytes", "preview_bytes"}` or `{"code", "detail"}`.
"""

import io
import json
import sys
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from PIL import ExifTags, Image, ImageOps

MAX_BYTES = 15_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE_PX = 12_000
STORED_SIDE_PX = 4096  # a 12-megapixel photo keeps every pixel; more adds nothing to a face that is read at 48 px
PREVIEW_SIDE_PX = 800
MEMORY_BYTES = 1_500_000_000
CPU_SECONDS = 15

EXTENSIONS = {
    "JPEG": {"jpg", "jpeg", "jpe", "jfif"},
    "PNG": {"png"},
    "WEBP": {"webp"},
    "HEIF": {"heic", "heif", "hif"},
}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class RejectedPhoto(Exception):
    """A file that we do not take. `code` names the reason (docs/upload-codes.md), `detail` the measured facts."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class RebuiltPhoto:
    """A photo made anew from its pixels. Both pictures are JPEG bytes; `taken_at` is the camera's own clock, without a zone."""

    width: int
    height: int
    taken_at: datetime | None
    image: bytes
    preview: bytes


def sniff(head: bytes) -> str | None:
    """Return the format that the first 32 bytes announce (a key of EXTENSIONS), or None. Decodes nothing."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        return "HEIF"
    return None


def check_outside(source: bytes, file_name: str = "", max_bytes: int = MAX_BYTES) -> str:
    """Return the announced format after the checks that need no decoder: size, magic bytes, extension.

    Raises RejectedPhoto: empty, too_large, unsupported_format, extension_mismatch.
    """
    if not source:
        raise RejectedPhoto("empty")
    if len(source) > max_bytes:
        raise RejectedPhoto("too_large", bytes=len(source), max_bytes=max_bytes)
    kind = sniff(source[:32])
    if kind is None:
        raise RejectedPhoto("unsupported_format")
    extension = PurePath(file_name).suffix.lower().lstrip(".")
    if extension and extension not in EXTENSIONS[kind]:
        raise RejectedPhoto("extension_mismatch", extension=extension[:12], format=kind)
    return kind


def open_photo(source: bytes, file_name: str = "", max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the photo upright, RGB, without metadata.

    Raises RejectedPhoto: the codes of `check_outside`, too_many_pixels, animated, unreadable.
    """
    return _decode(source, check_outside(source, file_name, max_bytes), max_pixels)[0]


def _decode(source: bytes, kind: str, max_pixels: int) -> tuple[Image.Image, datetime | None]:
    if kind == "HEIF":
        import pillow_heif  # a native library that most photos never need

        pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before any pixel is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF data, which is dropped
            image = Image.open(io.BytesIO(source), formats=[kind])
            _check_frame(image, kind, max_pixels)
            taken_at = _taken_at(image)
            image.load()
            return _plain_rgb(ImageOps.exif_transpose(image)), taken_at
    except RejectedPhoto:
        raise
    except Exception as error:  # decoders of broken files raise nearly anything; all of it means the same to a person
        raise RejectedPhoto("unreadable", error=type(error).__name__) from error


def _check_frame(image: Image.Image, kind: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        raise RejectedPhoto("too_many_pixels", width=width, height=height, max_pixels=max_pixels, max_side_px=MAX_SIDE_PX)
    # A JPEG or HEIF with several frames is a still with a depth or gain map beside it: phones write them.
    if kind in {"PNG", "WEBP"} and getattr(image, "n_frames", 1) > 1:
        raise RejectedPhoto("animated")


def _taken_at(image: Image.Image) -> datetime | None:
    """Return when the camera says the photo was taken, or None. Broken EXIF data says nothing."""
    try:
        written = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        return datetime.strptime(str(written).strip("\0 "), "%Y:%m:%d %H:%M:%S") if written else None
    except Exception:
        return None


def _plain_rgb(image: Image.Image) -> Image.Image:
    """Return new RGB pixels. Transparency lies on white; 16-bit grey is scaled, not clipped."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level / 256).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    plain = image.convert("RGB")
    return Image.frombytes("RGB", plain.size, plain.tobytes())


def rebuild(source: bytes, kind: str, max_pixels: int = MAX_PIXELS) -> RebuiltPhoto:
    """Return the photo and its preview made anew from the pixels. Raises RejectedPhoto like `open_photo`."""
    image, taken_at = _decode(source, kind, max_pixels)
    image.thumbnail((STORED_SIDE_PX, STORED_SIDE_PX), Image.Resampling.LANCZOS)
    preview = image.copy()
    preview.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=3)
    return RebuiltPhoto(*image.size, taken_at, _jpeg(image, 92), _jpeg(preview, 82))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
    return file.getvalue()


def limit_process() -> None:
    """Give this process little memory and time, and no right to write a file. Where the system knows no limits, none."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in (("RLIMIT_AS", MEMORY_BYTES), ("RLIMIT_CPU", CPU_SECONDS), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        kind = getattr(resource, what)
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))


def main(arguments: list[str]) -> None:
    """Rebuild standard input. Arguments: format, most pixels."""
    limit_process()
    out = sys.stdout.buffer
    try:
        photo = rebuild(sys.stdin.buffer.read(), arguments[0], int(arguments[1]))
    except RejectedPhoto as rejected:
        answer: dict[str, Any] = {"code": rejected.code, "detail": rejected.detail}  # Any: JSON
        out.write(json.dumps(answer).encode() + b"\n")
        return
    header = {
        "width": photo.width,
        "height": photo.height,
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
        "image_bytes": len(photo.image),
        "preview_bytes": len(photo.preview),
    }
    out.write(json.dumps(header).encode() + b"\n" + photo.image + photo.preview)


if __name__ == "__main__":
    main(sys.argv[1:])
