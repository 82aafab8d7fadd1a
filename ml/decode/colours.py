"""Colours as a screen shows them: an embedded colour profile is applied, so that the numbers of the pixels mean sRGB."""

import io
from functools import cache

from PIL import Image, ImageCms

SAME_COLOUR = 2
"""A profile that moves no colour by more than this, of 255, is sRGB: applying it would only round."""
MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


@cache
def srgb() -> ImageCms.ImageCmsProfile:
    """Return the profile that pictures are converted to."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Return the image (L, LA, RGB, RGBA or CMYK) as sRGB; as it is when the profile is sRGB, broken or of other colours."""
    if not icc:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        mode = MODES[profile.profile.xcolor_space]
        plain = image.convert(mode) if image.mode in {"RGBA", "LA"} or mode == image.mode else None
        if plain is None or plain.mode != image.mode.removesuffix("A"):
            return image
        transform = ImageCms.buildTransform(profile, srgb(), mode, "RGB")
        if mode != "CMYK" and _is_srgb(transform, mode):
            return image
        converted = ImageCms.applyTransform(plain, transform)
    except Exception:  # a broken profile says nothing
        return image
    if converted is None:
        return image
    if image.mode in {"RGBA", "LA"}:
        converted.putalpha(image.getchannel("A"))
    return converted


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform leaves every colour of a coarse cube where it is."""
    steps = range(0, 256, 51)
    cube = bytes(level for red in steps for green in steps for blue in steps for level in (red, green, blue))
    before = Image.frombytes("RGB", (216, 1), cube)
    if mode == "L":
        before = Image.frombytes("L", (256, 1), bytes(range(256)))
    after = ImageCms.applyTransform(before, transform)
    assert after is not None
    return all(abs(a - b) <= SAME_COLOUR for a, b in zip(before.convert("RGB").tobytes(), after.tobytes(), strict=True))
