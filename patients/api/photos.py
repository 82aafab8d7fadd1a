"""Photos: uploads, notes, and what a clinician does with one."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, mixins, serializers, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from inference.dispatch import request_explanation
from patients.api.errors import Refused, refusal
from patients.api.filters import PhotoFilter
from patients.api.form_data import checked, form_data
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.api.predictions import PredictionSerializer
from patients.api.revision import IF_MATCH, RevisedRow
from patients.api.visits import NOTE_MAX_LENGTH
from patients.audit.outcome import unchanged
from patients.forms.note import PhotoNoteForm
from patients.forms.photo import ExcludeForm
from patients.models import Photo, Visit
from patients.photos.reanalyse import reanalyse, why_not_reanalysed
from patients.photos.receive import receive_photo


class PhotoSerializer(serializers.ModelSerializer[Photo]):
    """A photo and its newest prediction. Only the note can be changed here."""

    visit: serializers.PrimaryKeyRelatedField[Visit] = serializers.PrimaryKeyRelatedField(read_only=True)
    prediction = PredictionSerializer(read_only=True, allow_null=True)
    excluded = serializers.SerializerMethodField()
    dismissed = serializers.SerializerMethodField()
    used = serializers.BooleanField(source="is_used", read_only=True)

    class Meta:
        model = Photo
        fields = (
            *("id", "visit", "width", "height", "taken_at", "uploaded_at", "note"),
            *("excluded", "excluded_reason", "dismissed", "used", "prediction"),
        )
        read_only_fields = tuple(name for name in fields if name != "note")
        extra_kwargs = {"note": {"max_length": NOTE_MAX_LENGTH}}  # noqa: RUF012  # the framework's own shape

    def get_excluded(self, photo: Photo) -> bool:
        """Return whether a clinician left the photo out of summaries."""
        return photo.excluded_at is not None

    def get_dismissed(self, photo: Photo) -> bool:
        """Return whether a clinician dismissed the failure."""
        return photo.dismissed_at is not None


class UploadSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """One photo to upload."""

    file = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP, HEIC or AVIF")
    keep_duplicate = serializers.BooleanField(default=False, help_text="Keep a photo that another visit has too")


class FaceChoiceSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Which of the detected faces is the patient's."""

    face = serializers.IntegerField(min_value=0)


class ExclusionSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Why a photo is left out."""

    reason = serializers.CharField(max_length=200, default="", allow_blank=True)


READ_AGAIN = {202: PhotoSerializer, 409: refusal("It cannot be read now: `photo_erased`, `no_consent` or `being_read`")}


@extend_schema(tags=["photos"])
class VisitPhotos(DescribedView, generics.ListAPIView[Photo]):
    """The photos of one visit."""

    serializer_class = PhotoSerializer
    filterset_class = PhotoFilter
    queryset = Photo.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Photo]:
        """Return the photos in the order of their upload."""
        return Photo.objects.filter(visit=visible(Visit, self.request, self.kwargs["visit"])).with_predictions()

    @extend_schema(
        request=UploadSerializer,
        responses={
            201: PhotoSerializer,
            409: refusal("The photo is here already, the visit is full, or there is no consent to care"),
            413: refusal("The file is larger than the largest that is taken in"),
            422: refusal("The file was refused; `code` says why"),
            429: refusal("You have reached the limit of photos in 24 hours"),
            503: refusal("Not now; `Retry-After` or a moment says when"),
        },
    )
    def post(self, request: Request, visit: UUID) -> Response:
        """Upload one photo. A worker reads it after the response: poll the photo for its state."""
        target = visible(Visit, request, visit)
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        fields = upload.validated_data
        photo = receive_photo(target, fields["file"], signed_in(request), fields["keep_duplicate"], who=request)
        return Response(PhotoSerializer(photo).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["photos"])
@extend_schema_view(destroy=extend_schema(description="Delete the photo with its files and results."))
class PhotoViewSet(DescribedView, RevisedRow, mixins.DestroyModelMixin, viewsets.GenericViewSet[Photo]):
    """One photo: its state, its note and its prediction."""

    serializer_class = PhotoSerializer
    queryset = Photo.objects.none()
    lookup_url_kwarg = "photo"
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    parameters = {"partial_update": [IF_MATCH]}  # noqa: RUF012  # read by DescribedView
    revised = ("note",)

    def get_queryset(self) -> QuerySet[Photo]:
        """Return the photos of the caller's patients."""
        photos = Photo.objects.visible_to(signed_in(self.request)).select_related("visit__patient")
        return photos.with_predictions()

    def perform_update(self, serializer: BaseSerializer[Photo]) -> None:
        """Save the note."""
        photo = serializer.instance
        assert photo is not None
        checked(PhotoNoteForm(form_data(PhotoNoteForm, photo, serializer.validated_data), instance=photo)).save()

    def perform_destroy(self, instance: Photo) -> None:
        """Delete the photo with its files and results."""
        instance.remove()

    def _read_again(self, face: int | None = None) -> Response:
        photo = self.get_object()
        prediction = photo.prediction
        if prediction is None or (face is not None and face >= len(prediction.faces)):
            raise ValidationError({"face": [_("This photo has no such face.")]})
        if not reanalyse(photo, face):
            code, why = why_not_reanalysed(photo)
            # A request for a face is refused while the photo is being read: that may be another face.
            if code != "being_read" or face is not None:
                raise Refused(why, code)
            unchanged(self.request, is_shown=True)
        return self.shown(self.get_object(), status.HTTP_202_ACCEPTED)

    @extend_schema(request=FaceChoiceSerializer, responses=READ_AGAIN)
    def choose_face(self, request: Request, photo: UUID) -> Response:
        """Read this face of the photo: an index into its list of faces, from 0."""
        # Answers 404 for another clinician's photo before the data is validated.
        self.get_object()
        choice = FaceChoiceSerializer(data=request.data)
        choice.is_valid(raise_exception=True)
        return self._read_again(choice.validated_data["face"])

    @extend_schema(request=None, responses=READ_AGAIN)
    def retry(self, request: Request, photo: UUID) -> Response:
        """Re-analyse the photo."""
        return self._read_again()

    @extend_schema(request=ExclusionSerializer, responses=PhotoSerializer)
    def exclude(self, request: Request, photo: UUID) -> Response:
        """Leave the photo out of every summary. Nothing is deleted."""
        row = self.get_object()
        sent = ExclusionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row.exclude(checked(ExcludeForm(sent.validated_data)).cleaned_data["reason"], by=signed_in(request))
        return self.shown(row)

    @extend_schema(request=None, responses=PhotoSerializer)
    def include(self, request: Request, photo: UUID) -> Response:
        """Count the photo in summaries again."""
        row = self.get_object()
        row.include()
        return self.shown(row)

    @extend_schema(request=None, responses=PhotoSerializer)
    def dismiss(self, request: Request, photo: UUID) -> Response:
        """Dismiss a failure: it stays on the visit and no longer asks for attention."""
        row = self.get_object()
        row.dismiss()
        return self.shown(row)

    @extend_schema(request=None, responses={202: PhotoSerializer, 409: refusal("No map can be made: `cannot_explain`")})
    def explain(self, request: Request, photo: UUID) -> Response:
        """Ask for the map of what mattered. Poll the photo until `explanation` is `done`, then fetch `map/`."""
        prediction = self.get_object().prediction
        if prediction is None or (not request_explanation(prediction) and prediction.explanation in ("none", "lost")):
            why = _("Only the model that analysed the photo can draw the map. Re-analyse the photo first.")
            raise Refused(why, "cannot_explain")
        return self.shown(self.get_object(), status.HTTP_202_ACCEPTED)
