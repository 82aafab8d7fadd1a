"""From untrusted bytes to an upright picture without metadata, or to a code that says why not.

Used in two ways: `open_photo` in the process that calls it (the command line), and `python -m ml.decode` as a process of its own
with limits on memory and time and no access to the rest of the computer (ml.decode.confinement). Uploads are opened that way: no
decoder ever runs in a web process.

The process reads the file from standard input and writes one line of JSON, then the bytes of two JPEGs (the photo, its preview):
`{"width", "height", "taken_at", "image_bytes", "preview_bytes"}` or `{"code", "detail"}`.
"""

import importlib
import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from PIL import ExifTags, Image

MAX_BYTES = 15_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE_PX = 12_000
STORED_SIDE_PX = 4096  # a 12-megapixel photo keeps every pixel; more would not help a face that is read at 48 px
PREVIEW_SIDE_PX = 800
MAX_JPEG_SCANS = 200  # a progressive photo has ten; each scan goes over all pixels, so thousands keep a core busy for minutes
JPEG_SCAN = re.compile(rb"\xff\xda\x00(?:\x06\x00|\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
"""How a scan begins: its length must fit its number of colours, else the decoder refuses it. A phone's film behind the photo
holds the first two bytes by the hundred, all five hardly ever."""

EXTENSIONS = {
    "JPEG": {"jpg", "jpeg", "jpe", "jfif"},
    "PNG": {"png"},
    "WEBP": {"webp"},
    "HEIF": {"heic", "heif", "hif"},
}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


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


class UndecodablePhoto(Exception):
    """A file that is not opened. `code` names the reason, `detail` the measured facts."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class RebuiltPhoto:
    """A photo rebuilt from its pixels. Both pictures are JPEG bytes; `taken_at` is the camera's own clock, without a zone."""

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

    Raises UndecodablePhoto: empty, too_large, unsupported_format, extension_mismatch.
    """
    if not source:
        raise UndecodablePhoto("empty")
    if len(source) > max_bytes:
        raise UndecodablePhoto("too_large", bytes=len(source), max_bytes=max_bytes)
    kind = sniff(source[:32])
    if kind is None:
        raise UndecodablePhoto("unsupported_format")
    extension = PurePath(file_name).suffix.lower().lstrip(".")
    if extension and extension not in EXTENSIONS[kind]:
        raise UndecodablePhoto("extension_mismatch", extension=extension[:12], format=kind)
    return kind


def open_photo(source: bytes, file_name: str = "", max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the photo upright, RGB, without metadata.

    Raises UndecodablePhoto: the codes of `check_outside`, too_many_pixels, too_many_scans, animated, unreadable, decoder_crashed.
    """
    return _decode(source, check_outside(source, file_name, max_bytes), max_pixels)[0]


def load_decoder(kind: str) -> None:
    """Load every module that opening this format needs: a confined process can load nothing later."""
    Image.preinit()
    for name in ("MpoImagePlugin", "TiffImagePlugin", "WebPImagePlugin"):  # Pillow reads EXIF data with its TIFF reader
        importlib.import_module(f"PIL.{name}")
    datetime.strptime("2026", "%Y")  # loads its parser at the first use
    if kind == "HEIF":
        import pillow_heif  # a native library that most photos never need

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _decode(source: bytes, kind: str, max_pixels: int, max_side_px: int | None = None) -> tuple[Image.Image, datetime | None]:
    load_decoder(kind)
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before any pixel is decoded
    if kind == "JPEG" and (scans := len(JPEG_SCAN.findall(source))) > MAX_JPEG_SCANS:
        raise UndecodablePhoto("too_many_scans", scans=scans)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF data, which is dropped
            image = Image.open(io.BytesIO(source), formats=[kind])
            _check_frame(image, kind, max_pixels)
            image.load()
            _check_frame(image, kind, max_pixels)  # a HEIC tells its true size only now
            return _upright(image, max_side_px), _taken_at(image)
    except UndecodablePhoto:
        raise
    except MemoryError as error:
        raise UndecodablePhoto("decoder_crashed", error="MemoryError") from error
    except Exception as error:  # decoders of broken files raise nearly anything; all of it means the same to a person
        raise UndecodablePhoto("unreadable", error=type(error).__name__) from error


def _check_frame(image: Image.Image, kind: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        raise UndecodablePhoto("too_many_pixels", width=width, height=height, max_pixels=max_pixels, max_side_px=MAX_SIDE_PX)
    # A JPEG or HEIF with several frames is a still with a depth or gain map beside it: phones write them.
    if kind in {"PNG", "WEBP"} and getattr(image, "n_frames", 1) > 1:
        raise UndecodablePhoto("animated")


def _taken_at(image: Image.Image) -> datetime | None:
    """Return when the camera says the photo was taken, or None. Broken EXIF data says nothing."""
    try:
        written = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        return datetime.strptime(str(written).strip("\0 "), "%Y:%m:%d %H:%M:%S") if written else None
    except Exception:
        return None


def _upright(image: Image.Image, max_side_px: int | None) -> Image.Image:
    """Return new RGB pixels, upright, no side over `max_side_px`. Made small first: the steps after it then need little memory."""
    turn = _turn(image)
    image = _resizable(image)
    if max_side_px is not None:
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    plain = Image.new("RGB", image.size, "white")
    if image.mode in {"RGBA", "LA"}:  # transparency lies on white
        layer = image.convert("RGBA")
        plain.paste(layer, mask=layer)
    else:
        plain.paste(image.convert("RGB"))
    return plain if turn is None else plain.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what sets the photo upright, or None. Broken EXIF data says nothing."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


def _resizable(image: Image.Image) -> Image.Image:
    """Return the image in a mode that can be made smaller. 16-bit grey is scaled, not clipped."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda level: level / 256).convert("L")
    if "transparency" in image.info or image.mode in {"PA", "La", "RGBa"}:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in {"P", "1"} else image


def rebuild(source: bytes, kind: str, max_pixels: int = MAX_PIXELS) -> RebuiltPhoto:
    """Return the photo and its preview made anew from the pixels. Raises UndecodablePhoto like `open_photo`."""
    image, taken_at = _decode(source, kind, max_pixels, STORED_SIDE_PX)
    preview = image.copy()
    preview.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=3)
    return RebuiltPhoto(*image.size, taken_at, _jpeg(image, 92), _jpeg(preview, 82))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
    return file.getvalue()
