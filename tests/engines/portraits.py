"""Photos of a real face for real readers: frames of a portrait in the public domain, no two alike."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from patients.management.commands.load_demo import PORTRAIT


def portrait(number: int) -> SimpleUploadedFile:
    """Return frame `number` of the portrait as a JPEG upload."""
    left, top = number % 20, number // 20 % 20
    with Image.open(PORTRAIT) as picture:
        frame = picture.crop((70 + left, top, 370 + left, 300 + top)).resize((600, 600), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=90)
    return SimpleUploadedFile(f"portrait-{number}.jpg", out.getvalue(), "image/jpeg")
