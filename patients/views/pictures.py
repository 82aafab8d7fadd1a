"""Pictures: only for those who look after the patient, and never stored by a browser."""

import io
from uuid import UUID

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET
from PIL import Image

from patients.photos.files import read_stored
from patients.readings.crop import face_boxes
from patients.views.lookups import find_bare_photo
from patients.views.requests import ClinicianRequest

FACE_SIDE_PX = 160


@require_GET
def send_image(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the whole photo."""
    photo = find_bare_photo(request, photo_id)
    return _kept(photo.image)


@require_GET
def send_preview(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the small version of the photo that cards show."""
    photo = find_bare_photo(request, photo_id)
    return _kept(photo.preview)


@require_GET
def send_input(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the exact 48x48 picture that the network saw."""
    prediction = find_bare_photo(request, photo_id).prediction
    return _png(prediction.input_png if prediction else None)


@require_GET
def send_map(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the explanation map."""
    prediction = find_bare_photo(request, photo_id).prediction
    return _png(prediction.explanation_png if prediction else None)


@require_GET
def send_face(request: ClinicianRequest, photo_id: UUID, face: int) -> HttpResponse:
    """Send a small square crop of one of several faces, to choose from."""
    photo = find_bare_photo(request, photo_id)
    boxes = face_boxes(photo.prediction.faces) if photo.prediction else []
    if face >= len(boxes) or not photo.image:
        raise Http404
    content = read_stored(photo.image)
    if content is None:
        raise Http404
    box = boxes[face]
    side = max(box.width, box.height) * 1.1
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
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
