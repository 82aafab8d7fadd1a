"""Colour profiles: applied where they are not sRGB, left out where they are broken."""

import io
import struct
from typing import Any

import pytest
from PIL import Image, ImageCms

from ml.decode.rebuild import open_photo
from tests.factories import picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SKIN = (200, 140, 110)


def profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float = 2.2) -> bytes:
    """Return a small display profile (ICC.1:2001) from its three colours in XYZ under D50."""

    def fixed(*numbers: float) -> bytes:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))

    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249),
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + bytes(78 + 9),
        b"cprt": b"text\0\0\0\0none",
        **{name: b"XYZ \0\0\0\0" + fixed(*xyz) for name, xyz in ((b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue))},
        **{name: b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0) for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    at, index, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        index += name + struct.pack(">II", at + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 11, 28, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249) + bytes(48)
    return head[:128] + struct.pack(">I", len(tags)) + index + data


ADOBE_RGB = profile((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = profile((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))


def middle(source: bytes) -> Any:  # Any: one pixel
    image = open_photo(source)
    return image.getpixel((image.width // 2, image.height // 2))


def drawn(file_format: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), SKIN).convert(mode).save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("icc", [ADOBE_RGB, DISPLAY_P3], ids=["Adobe RGB", "Display P3"])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "AVIF", "HEIF"])
def test_profile_is_applied(icc: bytes, file_format: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    plain, shown = middle(drawn(file_format)), middle(drawn(file_format, icc_profile=icc))
    assert shown[0] > plain[0] + 8  # wide colours: the same numbers mean more red
    assert shown[1] < plain[1] + 3


def test_profile_agrees_with_the_colour_library() -> None:
    image = Image.new("RGB", (1, 1), SKIN)
    expected = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(ADOBE_RGB)), ImageCms.createProfile("sRGB"))
    assert expected is not None
    assert middle(drawn(icc_profile=ADOBE_RGB)) == expected.getpixel((0, 0))


def test_srgb_changes_no_pixel() -> None:
    plain = open_photo(drawn("JPEG"))
    assert open_photo(drawn("JPEG", icc_profile=SRGB)).tobytes() == plain.tobytes()


def test_transparency_outlives_a_profile() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (64, 48), (*SKIN, 0)).save(file, "PNG", icc_profile=ADOBE_RGB)
    assert middle(file.getvalue()) == (255, 255, 255)


@pytest.mark.parametrize(
    "icc", [b"rubbish" * 40, ADOBE_RGB[:200], ADOBE_RGB[:128] + b"\xff" * 300, SRGB[:16] + b"GRAY" + SRGB[20:]]
)
@pytest.mark.parametrize(("file_format", "mode"), [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L")])
def test_broken_profile_says_nothing(icc: bytes, file_format: str, mode: str) -> None:
    assert middle(drawn(file_format, mode, icc_profile=icc)) == middle(drawn(file_format, mode))


def test_profile_of_another_kind_of_colours_says_nothing() -> None:
    assert middle(picture(mode="CMYK", icc_profile=ADOBE_RGB)) == middle(picture(mode="CMYK"))
