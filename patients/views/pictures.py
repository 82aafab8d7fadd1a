"""Pictures for pages."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from patients.readings.pictures import face_of, picture_of
from patients.views.lookups import find_bare_photo
from patients.views.requests import ClinicianRequest


@require_GET
def send_image(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the whole photo."""
    return picture_of(find_bare_photo(request, photo_id), "image")


@require_GET
def send_preview(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the small version of the photo that cards show."""
    return picture_of(find_bare_photo(request, photo_id), "preview")


@require_GET
def send_input(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the exact 48x48 picture that the network saw."""
    return picture_of(find_bare_photo(request, photo_id), "input")


@require_GET
def send_map(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the explanation map."""
    return picture_of(find_bare_photo(request, photo_id), "map")


@require_GET
def send_face(request: ClinicianRequest, photo_id: UUID, face: int) -> HttpResponse:
    """Send a small square crop of one of several faces, to choose from."""
    return face_of(find_bare_photo(request, photo_id), face)
