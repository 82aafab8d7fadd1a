"""Pictures of a photo as responses: only for those who look after the patient, and never stored by a browser."""

import io

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpResponse

from ml.decode.made import NotOurPicture, open_made
from patients.models import Photo
from patients.photos.files import read_stored
from patients.readings.crop import face_boxes

PARTS = ("image", "preview", "input", "map")
"""The photo, its small version, the 48x48 picture that the network saw, and the map of what mattered."""
FACE_SIDE_PX = 160


def picture_of(photo: Photo, part: str) -> HttpResponse:
    """Return one of PARTS. Raises Http404 when it was erased, its file is lost, or it was never made."""
    if part in ("image", "preview"):
        return _kept(photo.image if part == "image" else photo.preview)
    prediction = photo.prediction
    if prediction is None:
        raise Http404
    return _png(prediction.input_png if part == "input" else prediction.explanation_png)


def face_of(photo: Photo, face: int) -> HttpResponse:
    """Return a small square crop of one of several faces. Raises Http404 when there is no such face, or no picture any more."""
    boxes = face_boxes(photo.prediction.faces) if photo.prediction else []
    if face >= len(boxes) or not photo.image:
        raise Http404
    content = read_stored(photo.image)
    if content is None:
        raise Http404
    try:
        image = open_made(content)
    except NotOurPicture:
        raise Http404 from None
    box = boxes[face]
    side = max(box.width, box.height) * 1.1
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    crop = image.crop((round(left), round(top), round(left + side), round(top + side)))
    crop.thumbnail((FACE_SIDE_PX, FACE_SIDE_PX))
    jpeg = io.BytesIO()
    crop.save(jpeg, "JPEG", quality=85)
    return _picture(jpeg.getvalue(), "image/jpeg")


def _kept(picture: FieldFile) -> HttpResponse:
    """Return a stored picture. Raises Http404 when it was erased or its file is lost."""
    content = read_stored(picture) if picture else None
    if content is None:
        raise Http404
    return _picture(content, "image/jpeg")


def _png(content: bytes | None) -> HttpResponse:
    """Return a picture from the row of a prediction. Raises Http404 if it has none."""
    if content is None:
        raise Http404
    return _picture(bytes(content), "image/png")


def _picture(content: bytes, content_type: str) -> HttpResponse:
    """Return a response that a browser draws but does not store, sniff or run."""
    return HttpResponse(
        content,
        content_type=content_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
