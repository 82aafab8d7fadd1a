"""Damage to pixel data is seen; faults beside them do not matter."""

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from ml.decode.formats import UndecodablePhoto, sniff
from ml.decode.rebuild import open_photo
from tests.cohort import clear_portraits
from tests.factories import picture
from tests.hostile.jpegs import COMMENT, segment, with_segments
from tests.hostile.pngs import chunk, with_chunks

pillow_heif.register_heif_opener()
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {  # Any: options of an encoder
    "JPEG": ("JPEG", {"quality": 90}),
    "tight JPEG": ("JPEG", {"quality": 90, "optimize": True}),
    "JPEG with restart markers": ("JPEG", {"quality": 90, "restart_marker_rows": 1}),
    "PNG": ("PNG", {}),
    "HEIC": ("HEIF", {"quality": 80}),
    "AVIF": ("AVIF", {"quality": 80}),
    "WebP": ("WEBP", {"quality": 90}),
    "lossless WebP": ("WEBP", {"lossless": True}),
}
FLAT = [Image.new("RGB", (1200, 900), colour) for colour in ("white", "black", "teal")]


def saved(image: Image.Image, variant: str) -> bytes:
    file_format, options = VARIANTS[variant]
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def refusal(source: bytes) -> str | None:
    try:
        open_photo(source)
    except UndecodablePhoto as refused:
        return refused.code
    return None


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    with Image.open(clear_portraits()[0].path) as image:
        return image.convert("RGB")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", ["cut out", "set to zero", "missing at the end"])
def test_damage_of_512_bytes_is_refused(variant: str, kind: str, portrait: Image.Image) -> None:
    source = saved(portrait, variant)
    chance = random.Random(1)
    for _ in range(5):
        at = chance.randrange(len(source) // 4, len(source) - 600)
        damaged = {
            "cut out": source[:at] + source[at + 512 :],
            "set to zero": source[:at] + bytes(512) + source[at + 512 :],
            "missing at the end": source[:-512],
        }[kind]
        assert refusal(damaged) == "unreadable"


@pytest.mark.parametrize("variant", VARIANTS)
def test_whole_picture_is_taken_however_flat(variant: str, portrait: Image.Image) -> None:
    studio = Image.new("RGB", (1600, 1200), "white")
    studio.paste(portrait, (400, 300))
    gradient = Image.linear_gradient("L").resize((800, 600)).convert("RGB")
    for image in (portrait, studio, gradient, *FLAT):
        assert refusal(saved(image, variant)) is None


def test_progressive_jpeg_is_taken_however_flat(portrait: Image.Image) -> None:
    for image in (portrait, *FLAT, Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")):
        for quality in (60, 95):
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality, progressive=True)
            assert refusal(file.getvalue()) is None


def test_checksum_of_a_picture_that_is_whole_need_not_be_right() -> None:
    whole = picture(file_format="PNG")
    at = whole.index(b"IDAT")
    size = int.from_bytes(whole[at - 4 : at], "big")
    assert refusal(whole[: at + 4 + size] + bytes(4) + whole[at + 8 + size :]) is None


def with_broken_exif(file_format: str) -> bytes:
    """Return a picture whose EXIF data begin beyond their end."""
    exif = Image.Exif()
    exif[0x010F] = "camera"
    return picture(file_format=file_format, exif=exif.tobytes()).replace(b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\x7f")


TAKEN = {
    "jpeg without its end": picture()[:-2],
    "jpeg without half of its end": picture()[:-1],
    "jpeg with zeros before its end": picture()[:-2] + bytes(40) + b"\xff\xd9",
    "jpeg with rubbish behind it": picture() + b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20,
    "jpeg with rubbish between its segments": with_segments(segment(COMMENT, b"x") + b"\0\1\2"),
    "jpeg with 90 segments of XMP": with_segments(*[segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000))] * 90),
    "png with a bad checksum in a text": with_chunks(chunk(b"tEXt", b"k\0v", crc=1)),
    "png with a bad checksum in its clock": with_chunks(chunk(b"tIME", bytes(7), crc=1)),
    "png with a bad checksum in EXIF data": with_chunks(chunk(b"eXIf", b"II*\0" + bytes(20), crc=1)),
    "png with 20 MB of text": with_chunks(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000)))),
    "png with text that is not compressed": with_chunks(chunk(b"zTXt", b"k\0\0rubbish")),
    "png that is cut off": picture(file_format="PNG")[:-12],
    "png with rubbish behind it": picture(file_format="PNG") + bytes(range(256)),
    "webp with rubbish behind it": picture(file_format="WEBP") + bytes(range(256)),
    "webp with broken EXIF data": picture(file_format="WEBP", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"),
    "avif with broken EXIF data": with_broken_exif("AVIF"),
    "heic with broken EXIF data": with_broken_exif("HEIF"),
    "heic with rubbish behind it": picture(file_format="HEIF") + bytes(200),
}


@pytest.mark.parametrize("source", TAKEN.values(), ids=TAKEN)
def test_fault_beside_the_pixels_does_not_sink_a_good_picture(source: bytes) -> None:
    assert open_photo(source).size == (64, 48)


def branded(source: bytes, major: bytes, *compatible: bytes) -> bytes:
    """Return a HEIC or AVIF with other brands. Its index is moved: so the box keeps its length."""
    size = int.from_bytes(source[:4], "big")
    box = (major + bytes(4) + b"".join(compatible)).ljust(size - 8, b"\0")
    assert len(box) == size - 8
    return struct.pack(">I", size) + b"ftyp" + box + source[size:]


@pytest.mark.parametrize(
    ("file_format", "brands", "expected"),
    [
        ("AVIF", (b"mif1", b"avif"), "AVIF"),
        ("AVIF", (b"miaf", b"mif1", b"avif"), "AVIF"),
        ("AVIF", (b"mif1", b"miaf"), "AVIF"),
        ("HEIF", (b"mif1", b"heic"), "HEIF"),
        ("HEIF", (b"msf1", b"mif1", b"heix"), "HEIF"),
        ("HEIF", (b"mif1",), "HEIF"),
        ("HEIF", (b"heic", b"avif"), "HEIF"),
    ],
)
def test_all_brands_choose_the_decoder(file_format: str, brands: tuple[bytes, ...], expected: str) -> None:
    made = picture(file_format=file_format)
    assert sniff(branded(made, brands[0], *brands[1:])) == expected


def test_film_in_the_same_container_is_no_photo(tmp_path: Path) -> None:
    assert sniff(b"\0\0\0\x18ftypisom\0\0\x02\0isommp42" + bytes(60)) is None
