"""From untrusted bytes to an upright picture without metadata, or to a code that says why not.

Used in two ways: `open_photo` in the process that calls it (the command line), and `python -m ml.decode` as a process of its own
with limits on memory and time and no access to the rest of the computer (ml.decode.confinement). Uploads are opened that way: no
decoder ever runs in a web process.

The process reads the file from standard input and writes one line of JSON, then the bytes of two JPEGs (the photo, its preview):
`{"width", "height", "taken_at", "image_bytes", "preview_bytes"}` or `{"code", "detail"}`.
"""

import contextlib
import importlib
import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime

from PIL import AvifImagePlugin, ExifTags, Image, JpegImagePlugin

from .camera_clock import taken_at
from .colours import to_srgb
from .containers import Container, take_apart
from .damage import check_whole
from .formats import MAX_BYTES, UndecodablePhoto, check_outside

MAX_PIXELS = 51_000_000  # phones take photos of up to 50.3 megapixels without more ado
JPEG_MAX_PIXELS = 204_000_000
"""Likewise for a JPEG, which is made smaller while it is decoded: its pixels are never all there."""
WEBP_SHARE = 0.8
"""A lossless WebP needs a quarter more memory for each pixel than the other formats."""
MAX_COEFFICIENTS = 200_000_000
"""Most numbers that a progressive JPEG may hold: each needs two bytes until its last scan."""
MAX_SIDE_PX = 12_000
JPEG_MAX_SIDE_PX = 16_384  # 200 megapixels in the shape of a photo have 16,320
STORED_SIDE_PX = 4096  # a 12-megapixel photo keeps every pixel; more would not help a face that is read at 48 px
PREVIEW_SIDE_PX = 800
SHRUNK_SIDE_PX = 3900  # half of a 48- or 50-megapixel photo is 4,000 or 4,080: next to nothing is lost
LEAST_SHRUNK_SIDE_PX = 3000  # a square photo that has too many pixels, but no long side
MAX_JPEG_SCANS = 200  # a progressive photo has ten; each scan goes over all pixels, so thousands keep a core busy for minutes

XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
METADATA_ITEM = re.compile(rb"(infe\x02.{7})(?:Exif|mime)", re.DOTALL)
"""Where the index of a HEIC or AVIF names EXIF data or XMP."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to set a photo upright, by its EXIF orientation."""


@dataclass(frozen=True)
class RebuiltPhoto:
    """A photo rebuilt from its pixels. Both pictures are JPEG bytes; `taken_at` has a zone only where the camera wrote one."""

    width: int
    height: int
    taken_at: datetime | None
    image: bytes
    preview: bytes


def open_photo(source: bytes, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the photo upright, RGB, in sRGB, without metadata. A JPEG of more than 16 megapixels is made smaller.

    Raises UndecodablePhoto: the codes of `check_outside`, too_many_pixels, side_too_long, too_many_scans, animated, unreadable,
    decoder_crashed.
    """
    return _decode(source, check_outside(source, max_bytes), max_pixels)[0]


def load_decoder(kind: str) -> None:
    """Load every module that opening this format needs: a confined process can load nothing later."""
    Image.preinit()
    for name in ("TiffImagePlugin", "WebPImagePlugin", "AvifImagePlugin"):  # Pillow reads EXIF data with its TIFF reader
        importlib.import_module(f"PIL.{name}")
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if kind == "JPEG":
        importlib.import_module("simplejpeg")
    if kind == "HEIF":
        import pillow_heif  # a native library that most photos never need

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _decode(source: bytes, kind: str, max_pixels: int, max_side_px: int | None = None) -> tuple[Image.Image, datetime | None]:
    load_decoder(kind)
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before any pixel is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF data, which is dropped
            parts = take_apart(source, kind)
            if len(parts.scans) > MAX_JPEG_SCANS:
                raise UndecodablePhoto("too_many_scans", scans=len(parts.scans))
            image = _open(parts, kind)
            _check_frame(image, parts, kind, max_pixels)
            check_whole(parts, kind)
            _decode_smaller(image, max_pixels)
            image.load()
            _check_frame(image, parts, kind, max_pixels)  # a HEIC tells its true size only now
            exif = _exif(parts, image)
            upright = _upright(image, _turn(exif), parts.icc or image.info.get("icc_profile") or b"", max_side_px)
            return upright, taken_at(exif)
    except UndecodablePhoto:
        raise
    except MemoryError as error:
        raise UndecodablePhoto("decoder_crashed", error="MemoryError") from error
    except Exception as error:  # decoders of broken files raise nearly anything; all of it means the same to a person
        raise UndecodablePhoto("unreadable", error=type(error).__name__) from error


def _open(parts: Container, kind: str) -> Image.Image:
    """Return the picture, not yet decoded. Metadata that the decoder of a HEIC or AVIF cannot read are hidden from it."""
    try:
        return Image.open(io.BytesIO(parts.pixels), formats=[kind])
    except Exception:
        hidden = METADATA_ITEM.sub(rb"\1skip", parts.pixels) if kind in {"HEIF", "AVIF"} else parts.pixels
        if hidden == parts.pixels:
            raise
        return Image.open(io.BytesIO(hidden), formats=[kind])


def _check_frame(image: Image.Image, parts: Container, kind: str, max_pixels: int) -> None:
    width, height = image.size
    most_side = JPEG_MAX_SIDE_PX if kind == "JPEG" else MAX_SIDE_PX
    most = _most_pixels(image, parts, kind, max_pixels)
    if width * height > most:
        raise UndecodablePhoto("too_many_pixels", width=width, height=height, most=most // 1_000_000)
    if max(width, height) > most_side:
        raise UndecodablePhoto("side_too_long", width=width, height=height, most=most_side)
    # A JPEG or HEIF with several frames is a still with a depth or gain map beside it: phones write them.
    if kind in {"PNG", "WEBP", "AVIF"} and getattr(image, "n_frames", 1) > 1:
        raise UndecodablePhoto("animated")


def _most_pixels(image: Image.Image, parts: Container, kind: str, max_pixels: int) -> int:
    """Return how many pixels a picture of its kind may have, so that decoding it stays within the memory of the process."""
    if kind == "WEBP":
        return int(WEBP_SHARE * max_pixels)
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return max_pixels
    most = min(JPEG_MAX_PIXELS, max_pixels * _shrink(image, max_pixels) ** 2)
    if len(parts.scans) > 1:  # no pixel is there before the last scan
        full = max(across for _name, across, _down, _table in image.layer) * max(
            down for _name, _across, down, _table in image.layer
        )
        each = sum(across * down for _name, across, down, _table in image.layer) / max(1, full)
        most = min(most, int(MAX_COEFFICIENTS / max(0.1, each)))
    return most


def _shrink(image: Image.Image, max_pixels: int) -> int:
    """Return by how much a JPEG is made smaller while it is decoded: 1, 2, 4 or 8."""
    shrink, side, pixels = 1, max(image.size), image.width * image.height
    while shrink < 8 and side // (2 * shrink) >= (SHRUNK_SIDE_PX if pixels <= max_pixels * shrink**2 else LEAST_SHRUNK_SIDE_PX):
        shrink *= 2
    return shrink


def _decode_smaller(image: Image.Image, max_pixels: int) -> None:
    """Have a large JPEG decoded at half, a quarter or an eighth of its size."""
    if isinstance(image, JpegImagePlugin.JpegImageFile) and (shrink := _shrink(image, max_pixels)) > 1:
        image.draft(image.mode, (image.width // shrink, image.height // shrink))


def _exif(parts: Container, image: Image.Image) -> Image.Exif:
    """Return what the camera wrote, with the orientation of the XMP where EXIF has none. Broken data say nothing."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):
        exif.load(parts.exif or image.info.get("exif") or b"")
    found = XMP_ORIENTATION.search(parts.xmp)
    with contextlib.suppress(Exception):
        if found and ExifTags.Base.Orientation not in exif:
            exif[ExifTags.Base.Orientation] = int(found[1])
    return exif


def _turn(exif: Image.Exif) -> Image.Transpose | None:
    """Return what sets the photo upright, or None. Broken EXIF data says nothing."""
    try:
        return TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


def _upright(image: Image.Image, turn: Image.Transpose | None, icc: bytes, max_side_px: int | None) -> Image.Image:
    """Return new RGB pixels, upright, no side over `max_side_px`. Made small first: the steps after it then need little memory."""
    image = _resizable(image)
    if max_side_px is not None:
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    image = to_srgb(image, icc)
    plain = Image.new("RGB", image.size, "white")
    if image.mode in {"RGBA", "LA"}:  # transparency lies on white
        layer = image.convert("RGBA")
        plain.paste(layer, mask=layer)
    else:
        plain.paste(image.convert("RGB"))
    return plain if turn is None else plain.transpose(turn)


def _resizable(image: Image.Image) -> Image.Image:
    """Return the image in a mode that can be made smaller. 16-bit grey is scaled, not clipped."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda level: level / 256).convert("L")
    if "transparency" in image.info or image.mode in {"PA", "La", "RGBa"}:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in {"P", "1"} else image


def rebuild(source: bytes, kind: str, max_pixels: int = MAX_PIXELS) -> RebuiltPhoto:
    """Return the photo and its preview made anew from the pixels. Raises UndecodablePhoto like `open_photo`."""
    image, moment = _decode(source, kind, max_pixels, STORED_SIDE_PX)
    preview = image.copy()
    # Pixels are averaged down to one and a half times the size first: with a larger gap a stored photo would not be.
    preview.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=1.5)
    return RebuiltPhoto(*image.size, moment, _jpeg(image, 92), _jpeg(preview, 82))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
    return file.getvalue()
