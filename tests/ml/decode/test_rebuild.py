"""Untrusted bytes: what is taken, what is refused and with which code."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ml.decode.formats import UndecodablePhoto
from ml.decode.rebuild import open_photo, rebuild
from tests.factories import picture

HEIC = "HEIF"


def heic(width: int = 64, height: int = 48) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return picture(width, height, file_format=HEIC)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_supported_format_is_opened(file_format: str) -> None:
    image = open_photo(picture(file_format=file_format))
    assert (image.mode, image.size) == ("RGB", (64, 48))


def test_heic_is_opened() -> None:
    assert open_photo(heic()).size == (64, 48)


def polyglot() -> bytes:
    return picture() + b"PK\x03\x04<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"x" * 1001, "too_large", id="too large"),
        pytest.param(b"hello", "unsupported_format", id="text named jpg"),
        pytest.param(b"<svg xmlns='x'/>", "unsupported_format", id="svg"),
        pytest.param(b"GIF89a" + b"\0" * 40, "unsupported_format", id="gif"),
        pytest.param(b"\0\0\0\x1cftypavif" + b"\0" * 20, "unreadable", id="avif head only"),
        pytest.param(b"%PDF-1.7", "unsupported_format", id="pdf named jpg"),
        pytest.param(picture(32, 32)[:200], "unreadable", id="truncated jpeg"),
        pytest.param(b"\xff\xd8\xff" + b"\0" * 60, "unreadable", id="jpeg head only"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "unreadable", id="png head only"),
        pytest.param(b"RIFF\x20\0\0\0WEBPVP8 " + b"\0" * 40, "unreadable", id="webp head only"),
        pytest.param(b"\0\0\0\x18ftypheic" + b"\0" * 40, "unreadable", id="heic head only"),
    ],
)
def test_bad_file_is_refused_with_its_code(content: bytes, code: str) -> None:
    with pytest.raises(UndecodablePhoto) as refused:
        open_photo(content, max_bytes=1000)
    assert refused.value.code == code


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    small_file = picture(2000, 1000, file_format="PNG")
    with pytest.raises(UndecodablePhoto) as refused:
        open_photo(small_file, max_pixels=1_999_999)
    assert refused.value.code == "too_many_pixels"
    assert refused.value.detail["width"] == 2000


def test_a_side_of_more_than_12000_pixels_is_refused() -> None:
    with pytest.raises(UndecodablePhoto, match="side_too_long"):
        open_photo(picture(12_001, 1, file_format="PNG"))


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_animation_is_refused(file_format: str) -> None:
    second = Image.new("RGB", (64, 48), "red")
    with pytest.raises(UndecodablePhoto, match="animated"):
        open_photo(picture(file_format=file_format, save_all=True, append_images=[second]))


@pytest.mark.parametrize(
    ("orientation", "bright_corner", "size"),
    [
        (1, "top left", (64, 48)),
        (2, "top right", (64, 48)),
        (3, "bottom right", (64, 48)),
        (4, "bottom left", (64, 48)),
        (5, "top left", (48, 64)),
        (6, "top right", (48, 64)),
        (7, "bottom right", (48, 64)),
        (8, "bottom left", (48, 64)),
    ],
)
def test_every_exif_orientation_is_applied(orientation: int, bright_corner: str, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_photo(picture(exif=exif))
    assert image.size == size
    vertical, horizontal = bright_corner.split()
    corner = (2 if horizontal == "left" else size[0] - 3, 2 if vertical == "top" else size[1] - 3)
    assert image.convert("L").getpixel(corner) > 200  # type: ignore[operator]  # one number for one channel


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "RGBA", "I;16", "1"])
def test_unusual_pixels_become_plain_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    file = io.BytesIO()
    Image.new("L", (16, 16), 200).convert(mode if mode != "I;16" else "I;16").save(file, kind)
    assert open_photo(file.getvalue()).mode == "RGB"


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    file = io.BytesIO()
    Image.new("I;16", (16, 16), 32_768).save(file, "PNG")
    assert open_photo(file.getvalue()).getpixel((0, 0)) == (128, 128, 128)


def test_transparency_lies_on_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(file, "PNG")
    assert open_photo(file.getvalue()).getpixel((0, 0)) == (255, 255, 255)


def test_metadata_and_trailing_bytes_are_gone_after_rebuilding() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:20 09:46:00"
    exif.get_ifd(0x8825)[1] = "N"
    photo = rebuild(picture(exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile") + b"SecretTail", "JPEG")
    assert b"Secret" not in photo.image + photo.preview
    assert not Image.open(io.BytesIO(photo.image)).getexif()
    assert photo.taken_at is not None
    assert photo.taken_at.isoformat() == "2026-11-20T09:46:00"


def test_long_side_is_limited_and_preview_is_small() -> None:
    photo = rebuild(picture(5000, 1000), "JPEG")
    assert (photo.width, photo.height) == (4096, 819)
    assert Image.open(io.BytesIO(photo.preview)).size == (800, 160)


def test_process_answers_a_refusal_as_one_line_of_json() -> None:
    done = subprocess.run([sys.executable, "-m", "ml.decode", "JPEG", "1000"], input=picture(), capture_output=True, check=True)
    assert json.loads(done.stdout)["code"] == "too_many_pixels"


def test_process_may_not_write_files(tmp_path: Path) -> None:
    script = (
        f"from ml.decode.confinement import limit_process; limit_process(); open({str(tmp_path / 'never')!r}, 'wb', 0).write(b'x')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"File too large" in done.stderr
