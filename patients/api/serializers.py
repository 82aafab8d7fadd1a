"""The shapes that the API sends and takes."""

from datetime import date
from typing import Any, TypeVar

from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import Throttled

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.care.patients import add_patient
from patients.care.record_numbers import TAKEN, TOO_MANY, NumberTaken, TooManyTries, is_taken, one_number_each
from patients.forms.conflicts import save_fields
from patients.forms.patient import NAME_MAX_LETTERS, RECORD_NUMBER_MAX_LETTERS, birth_day, visit_day
from patients.models import Patient, Photo, Visit

Row = TypeVar("Row", bound=Model)
NOTE_MAX_LETTERS = 100_000  # JSON has no limit of its own, as a form has


class SentFieldsSerializer(serializers.ModelSerializer[Row]):
    """Writes only the fields that were sent, as a form does that a program sends."""

    def update(self, instance: Row, validated_data: dict[str, Any]) -> Row:  # Any: the framework's own signature
        """Return the row with the fields that were sent. Raises Http404 when someone deleted it meanwhile."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        return save_fields(instance, validated_data)


class PatientSerializer(SentFieldsSerializer[Patient]):
    """A patient as their clinicians see them."""

    class Meta:
        model = Patient
        fields = ("id", "name", "record_number", "birth_date", "created_at")
        read_only_fields = ("id", "created_at")
        extra_kwargs = {  # noqa: RUF012  # the framework's own shape
            "name": {"max_length": NAME_MAX_LETTERS},
            "record_number": {"max_length": RECORD_NUMBER_MAX_LETTERS},
        }

    def validate_birth_date(self, value: date) -> date:
        """Return the date of birth. Raises ValidationError when it cannot be one."""
        return birth_day(value, self.instance)

    def validate_record_number(self, value: str) -> str:
        """Return the number. Raises ValidationError when another patient has it, Throttled when too many were tried."""
        try:
            if is_taken(value, self.context["request"], self.instance):
                raise serializers.ValidationError(TAKEN, code="taken")
        except TooManyTries:
            raise Throttled(detail=str(TOO_MANY)) from None
        return value

    def create(self, validated_data: dict[str, Any]) -> Patient:  # Any: the framework's own signature
        """Return the new patient, assigned to whose key it is."""
        return add_patient(Patient(**validated_data), self.context["request"])

    def save(self, **fields: Any) -> Patient:  # Any: the framework's own signature
        """Return the saved patient. Raises ValidationError when someone was faster with the record number."""
        try:
            with one_number_each():
                return super().save(**fields)
        except NumberTaken:
            raise serializers.ValidationError({"record_number": [TAKEN]}, code="taken") from None


class VisitSerializer(SentFieldsSerializer[Visit]):
    """A visit."""

    patient: serializers.PrimaryKeyRelatedField[Patient] = serializers.PrimaryKeyRelatedField(read_only=True)

    class Meta:
        model = Visit
        fields = ("id", "patient", "date", "note", "created_at")
        read_only_fields = ("id", "created_at")
        extra_kwargs = {"note": {"max_length": NOTE_MAX_LETTERS}}  # noqa: RUF012  # the framework's own shape

    def validate_date(self, value: date) -> date:
        """Return the day. Raises ValidationError when it is to come in the clinic's zone, or lies before the patient's birth."""
        return visit_day(value, self.instance.patient if self.instance else self.context["view"].patient())


PROBABILITIES_SCHEMA = {"type": "object", "properties": {name: {"type": "number"} for name in EXPRESSIONS}, "nullable": True}


NOT_PROCESSED: dict[str, Any] = {"abstained": False, "faces": [], "chosen_face": None, "quality": [], "milliseconds": {}}


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """What a model version says of a photo. `probabilities` are calibrated and sum to 1; null until done.

    While a photo waits or is read, and after a fault, nothing is said of faces and checks.
    """

    probabilities = serializers.SerializerMethodField()
    valence = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = Prediction
        fields = (
            "state",
            "reason",
            "model_version",
            "probabilities",
            "valence",
            "abstained",
            "faces",
            "chosen_face",
            "quality",
            "milliseconds",
            "requested_at",
            "finished_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Prediction) -> dict[str, Any]:  # Any: JSON
        """Return the prediction as JSON. Until a model has processed the photo, results of an earlier reading are left out."""
        shown = super().to_representation(instance)
        return shown if instance.is_processed else shown | NOT_PROCESSED

    @extend_schema_field(PROBABILITIES_SCHEMA)
    def get_probabilities(self, prediction: Prediction) -> dict[str, float] | None:
        """Return the seven probabilities by name."""
        return None if prediction.probabilities is None else dict(zip(EXPRESSIONS, prediction.probabilities, strict=True))


class PhotoSerializer(serializers.ModelSerializer[Photo]):
    """A photo and its newest prediction."""

    visit: serializers.PrimaryKeyRelatedField[Visit] = serializers.PrimaryKeyRelatedField(read_only=True)
    prediction = PredictionSerializer(read_only=True, allow_null=True)
    excluded = serializers.SerializerMethodField()
    used = serializers.BooleanField(source="is_used", read_only=True)

    class Meta:
        model = Photo
        fields = ("id", "visit", "width", "height", "taken_at", "uploaded_at", "excluded", "used", "prediction")
        read_only_fields = fields

    def get_excluded(self, photo: Photo) -> bool:
        """Return whether a clinician left the photo out."""
        return photo.excluded_at is not None


class UploadSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """One photo to take in."""

    file = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP or HEIC")
    keep_duplicate = serializers.BooleanField(default=False, help_text="Keep a photo that another visit of the patient has already")


class FaceChoiceSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Which of the found faces is the patient's."""

    face = serializers.IntegerField(min_value=0)
