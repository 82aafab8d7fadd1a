"""Photos of a real face for real readers: frames of a portrait in the public domain, no two alike."""

import io
from functools import lru_cache

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from skimage import data


@lru_cache(maxsize=1)
def astronaut() -> Image.Image:
    """Return scikit-image's portrait of Eileen Collins, 512 x 512."""
    return Image.fromarray(data.astronaut())


def portrait(number: int) -> SimpleUploadedFile:
    """Return frame `number` of the portrait as a JPEG upload."""
    left, top = number % 20, number // 20 % 20
    frame = astronaut().crop((70 + left, top, 370 + left, 300 + top)).resize((600, 600), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=90)
    return SimpleUploadedFile(f"portrait-{number}.jpg", out.getvalue(), "image/jpeg")
