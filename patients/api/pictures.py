"""Pictures of a photo."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.models import Photo
from patients.readings.pictures import face_of, picture_of


class PhotoPicture(DescribedView):
    """One picture of a photo."""

    part = "image"

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY, (200, "image/png"): OpenApiTypes.BINARY}, tags=["pictures"])
    def get(self, request: Request, photo: UUID) -> HttpResponse:
        """The photo (`image`) or its small version (`preview`), both JPEG and without metadata; the 48x48 picture that the network
        saw (`input`) or the map of what mattered (`map`), both PNG. 404 when it was erased or never made.
        """
        return picture_of(visible(Photo, request, photo), self.part)


class PhotoFace(DescribedView):
    """One of several faces."""

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY}, tags=["pictures"])
    def get(self, request: Request, photo: UUID, face: int) -> HttpResponse:
        """A small crop of one face, by its place in the list of faces, to choose from."""
        return face_of(visible(Photo, request, photo), face)
