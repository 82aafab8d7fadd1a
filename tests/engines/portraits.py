"""Photos for the real reader: frames of the demo's rendered portraits, all different, all with a clear smile."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tests.cohort import clear_portraits, spoiled_portraits


def portrait(number: int) -> SimpleUploadedFile:
    """Return frame `number` of the portraits as a JPEG upload."""
    clear = clear_portraits()
    down, across = divmod(number // len(clear), 20)
    with Image.open(clear[number % len(clear)].path) as picture:
        frame = picture.crop((8 + across, down, picture.width - 20 + across, picture.height - 20 + down))
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=90)
    return SimpleUploadedFile(f"portrait-{number}.jpg", out.getvalue(), "image/jpeg")


def without_face(quality: int = 90) -> SimpleUploadedFile:
    """Return the upload of a picture without a face. Each quality gives a different file, so that none is a duplicate."""
    path = next(portrait.path for portrait in spoiled_portraits() if portrait.expected == "no_face")
    out = io.BytesIO()
    with Image.open(path) as picture:
        picture.save(out, "JPEG", quality=quality)
    return SimpleUploadedFile("dog.jpg", out.getvalue(), "image/jpeg")
