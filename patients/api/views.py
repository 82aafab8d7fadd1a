"""The API's views. What a clinician may not see is answered with 404."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, mixins, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from patients.api import serializers
from patients.api.errors import NotReadable
from patients.audit.log import record_access
from patients.audit.outcome import made, unchanged
from patients.models import AccessLog, Patient, Photo, User, Visit
from patients.photos.reanalyse import reanalyse, why_not_reanalysed
from patients.photos.receive import receive_photo
from patients.reports.csv_export import csv_response
from patients.reports.dialects import COMMA, PROGRAMS
from patients.reports.scope import Scope
from patients.timeline.points import points

CSV = {(200, "text/csv"): OpenApiTypes.STR}
BOM = OpenApiParameter(
    "bom", OpenApiTypes.STR, description="Given, the file begins with a byte order mark, for spreadsheets that guess"
)
WORDS = OpenApiParameter(
    "q", OpenApiTypes.STR, description="Parts of the name or the record number, in any order, however they are spelt"
)
READ_AGAIN = {
    202: serializers.PhotoSerializer,
    409: OpenApiResponse(OpenApiTypes.OBJECT, "It cannot be read any more; `code` says why"),
}


def clinician(request: Request) -> User:
    """Return the signed-in user. Every view here requires sign-in."""
    assert isinstance(request.user, User)
    return request.user


class PatientViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[Patient],
):
    """Your patients."""

    serializer_class = serializers.PatientSerializer
    queryset = Patient.objects.none()

    def get_queryset(self) -> QuerySet[Patient]:
        """Return the caller's patients."""
        patients = Patient.objects.visible_to(clinician(self.request)).order_by("created_at", "id")
        words = self.request.query_params.get("q", "") if self.action == "list" else ""
        return patients.filter(pk__in=patients.found_by(words)) if words else patients

    @extend_schema(parameters=[WORDS])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # Any: the framework's own signature
        """Your patients, or those whom the words in `q` find."""
        return super().list(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[Patient]) -> None:
        """Save the patient and log the change.

        The middleware cannot log it: it would roll back the entry about a refused record number.
        """
        with transaction.atomic():
            record_access(self.request, AccessLog.Action.EDIT, serializer.save())

    @extend_schema(responses=CSV, parameters=[BOM])
    def csv(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The photo table of all visits, as CSV."""
        scope = Scope([self.get_object()])
        return csv_response("photos", scope, clinician(request), COMMA if "bom" in request.query_params else PROGRAMS)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def timeline(self, request: Request, pk: str) -> Response:
        """One point per visit that has photos: means, intervals and how many photos are behind them."""
        return Response({"points": [point.as_json() for point in points(self.get_object())]})


class PatientVisits(generics.ListCreateAPIView[Visit]):
    """The visits of one patient."""

    serializer_class = serializers.VisitSerializer
    queryset = Visit.objects.none()

    def patient(self) -> Patient:
        """Return the patient that the address names."""
        return get_object_or_404(Patient.objects.visible_to(clinician(self.request)), pk=self.kwargs["patient"])

    def get_queryset(self) -> QuerySet[Visit]:
        """Return the visits by date."""
        return Visit.objects.filter(patient=self.patient())

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # Any: the framework's own signature
        """Add a visit."""
        # Answers 404 for another clinician's patient before the data is validated.
        self.patient()
        return super().post(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Visit]) -> None:
        """Save the visit under the patient."""
        made(self.request, serializer.save(patient=self.patient(), created_by=clinician(self.request)))


class VisitViewSet(mixins.RetrieveModelMixin, mixins.UpdateModelMixin, viewsets.GenericViewSet[Visit]):
    """One visit."""

    serializer_class = serializers.VisitSerializer
    queryset = Visit.objects.none()

    def get_queryset(self) -> QuerySet[Visit]:
        """Return the visits of the caller's patients."""
        return Visit.objects.visible_to(clinician(self.request))

    @extend_schema(responses=CSV, parameters=[BOM])
    def csv(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The photo table of this visit, as CSV."""
        visit = self.get_object()
        scope = Scope([visit.patient], visit)
        return csv_response("photos", scope, clinician(request), COMMA if "bom" in request.query_params else PROGRAMS)


class VisitPhotos(generics.ListAPIView[Photo]):
    """The photos of one visit."""

    serializer_class = serializers.PhotoSerializer
    queryset = Photo.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def visit(self) -> Visit:
        """Return the visit that the address names."""
        return get_object_or_404(Visit.objects.visible_to(clinician(self.request)), pk=self.kwargs["visit"])

    def get_queryset(self) -> QuerySet[Photo]:
        """Return the photos in the order of their upload."""
        return Photo.objects.filter(visit=self.visit()).with_predictions()

    @extend_schema(
        request=serializers.UploadSerializer,
        responses={
            201: serializers.PhotoSerializer,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The photo is here already"),
            413: OpenApiResponse(OpenApiTypes.OBJECT, "The file is larger than the largest that is taken in"),
            422: OpenApiResponse(OpenApiTypes.OBJECT, "The file was refused; `code` says why"),
            503: OpenApiResponse(OpenApiTypes.OBJECT, "Not now; `Retry-After` or a moment says when"),
        },
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # Any: the framework's own signature
        """Upload one photo. A worker reads it after the response: poll the photo for its state."""
        visit = self.visit()
        upload = serializers.UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        fields = upload.validated_data
        photo = receive_photo(visit, fields["file"], clinician(request), fields["keep_duplicate"], who=request)
        return Response(serializers.PhotoSerializer(photo).data, status=status.HTTP_201_CREATED)


class PhotoViewSet(mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Photo]):
    """One photo: its state and its prediction."""

    serializer_class = serializers.PhotoSerializer
    queryset = Photo.objects.none()

    def get_queryset(self) -> QuerySet[Photo]:
        """Return the photos of the caller's patients."""
        return Photo.objects.visible_to(clinician(self.request)).with_predictions()

    def perform_destroy(self, instance: Photo) -> None:
        """Delete the photo with its files and results."""
        instance.remove()

    def _read_again(self, face: int | None = None) -> Response:
        photo = self.get_object()
        prediction = photo.prediction
        if prediction is None or (face is not None and face >= len(prediction.faces)):
            raise ValidationError({"face": ["This photo has no such face."]})
        if not reanalyse(photo, face):
            code, why = why_not_reanalysed(photo)
            # A request for a face is refused while the photo is being read: that may be another face.
            if code != "being_read" or face is not None:
                raise NotReadable(why, code)
            unchanged(self.request, is_shown=True)
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=serializers.FaceChoiceSerializer, responses=READ_AGAIN)
    def choose_face(self, request: Request, pk: str) -> Response:
        """Read this face of the photo: an index into its list of faces, from 0."""
        # Answers 404 for another clinician's photo before the data is validated.
        self.get_object()
        choice = serializers.FaceChoiceSerializer(data=request.data)
        choice.is_valid(raise_exception=True)
        return self._read_again(choice.validated_data["face"])

    @extend_schema(request=None, responses=READ_AGAIN)
    def retry(self, request: Request, pk: str) -> Response:
        """Re-analyse the photo."""
        return self._read_again()
