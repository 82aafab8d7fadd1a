"""The API's JSON: how rows are sent and received."""

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
from patients.forms.names import typed_name, typed_number
from patients.forms.patient import NAME_MAX_LENGTH, RECORD_NUMBER_MAX_LENGTH, birth_day, visit_day
from patients.models import Patient, Photo, Visit

Row = TypeVar("Row", bound=Model)
NOTE_MAX_LENGTH = 100_000  # Django limits the size of a form, but not of JSON


class SentFieldsSerializer(serializers.ModelSerializer[Row]):
    """Saves only the fields that were sent."""

    def update(self, instance: Row, validated_data: dict[str, Any]) -> Row:  # Any: the framework's own signature
        """Save the fields that were sent and return the row. Raises Http404 when someone has deleted it."""
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
            "name": {"max_length": NAME_MAX_LENGTH},
            "record_number": {"max_length": RECORD_NUMBER_MAX_LENGTH},
        }

    def validate_birth_date(self, value: date) -> date:
        """Return the date of birth. Raises ValidationError as `birth_day` does."""
        return birth_day(value, self.instance)

    def validate_name(self, value: str) -> str:
        """Return the name. Raises ValidationError when it has no letter."""
        return typed_name(value)

    def validate_record_number(self, value: str) -> str:
        """Return the number. Raises ValidationError when another patient has it, Throttled when too many were tried."""
        number = typed_number(value)
        try:
            if is_taken(number, self.context["request"], self.instance):
                raise serializers.ValidationError(TAKEN, code="taken")
        except TooManyTries:
            raise Throttled(detail=str(TOO_MANY)) from None
        return number

    def create(self, validated_data: dict[str, Any]) -> Patient:  # Any: the framework's own signature
        """Return the new patient, assigned to the signed-in clinician."""
        return add_patient(Patient(**validated_data), self.context["request"])

    def save(self, **fields: Any) -> Patient:  # Any: the framework's own signature
        """Return the saved patient. Raises ValidationError when someone else has just taken the record number."""
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
        extra_kwargs = {"note": {"max_length": NOTE_MAX_LENGTH}}  # noqa: RUF012  # the framework's own shape

    def validate_date(self, value: date) -> date:
        """Return the day. Raises ValidationError when it is in the future or before the patient's birth."""
        return visit_day(value, self.instance.patient if self.instance else self.context["view"].patient())


PROBABILITIES_SCHEMA = {"type": "object", "properties": {name: {"type": "number"} for name in EXPRESSIONS}, "nullable": True}
NOT_PROCESSED: dict[str, Any] = {"abstained": False, "faces": [], "chosen_face": None, "quality": [], "milliseconds": {}}


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """What a model version says about a photo. `probabilities` are calibrated and sum to 1; null until done.

    Faces and checks are empty while a photo waits or is being read, and after a fault.
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
        """Return the prediction as JSON. Hides what an earlier reading left in the row until the current one is done."""
        data = super().to_representation(instance)
        return data if instance.is_processed else data | NOT_PROCESSED

    @extend_schema_field(PROBABILITIES_SCHEMA)
    def get_probabilities(self, prediction: Prediction) -> dict[str, float] | None:
        """Return the seven probabilities by name; None until done."""
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
        """Return whether a clinician left the photo out of summaries."""
        return photo.excluded_at is not None


class UploadSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """One photo to upload."""

    file = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP, HEIC or AVIF")
    keep_duplicate = serializers.BooleanField(default=False, help_text="Keep a photo that another visit has too")


class FaceChoiceSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Which of the detected faces is the patient's."""

    face = serializers.IntegerField(min_value=0)
