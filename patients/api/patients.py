"""Patients."""

from datetime import date
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from patients.api.errors import refusal
from patients.api.filters import PatientFilter
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.api.revision import IF_MATCH, RevisedRow
from patients.api.tables import CSV, CSV_PARAMETERS, csv_answer
from patients.audit.log import record_access
from patients.audit.outcome import lists
from patients.care.patients import add_patient
from patients.care.record_numbers import TAKEN, TOO_MANY, NumberTaken, TooManyTries, is_taken, one_number_each
from patients.forms.conflicts import save_fields
from patients.forms.names import typed_name, typed_number
from patients.forms.patient import NAME_MAX_LENGTH, RECORD_NUMBER_MAX_LENGTH, birth_day
from patients.models import AccessLog, Patient

Row = TypeVar("Row", bound=Model)


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
        fields = ("id", "name", "record_number", "birth_date", "sex", "created_at")
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


@extend_schema(tags=["patients"])
class PatientViewSet(DescribedView, RevisedRow, mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[Patient]):
    """Your patients."""

    serializer_class = PatientSerializer
    filterset_class = PatientFilter
    queryset = Patient.objects.none()
    lookup_url_kwarg = "patient"
    parameters = {"partial_update": [IF_MATCH], "csv": CSV_PARAMETERS}  # noqa: RUF012  # read by DescribedView
    revised = ("name", "record_number", "birth_date", "sex")

    def get_queryset(self) -> QuerySet[Patient]:
        """Return the caller's patients."""
        return Patient.objects.visible_to(signed_in(self.request)).order_by("created_at", "id")

    def paginate_queryset(self, queryset: Any) -> Any:  # Any: the framework's own signature
        """Return one page, whose patients each get an entry in the access log."""
        page = super().paginate_queryset(queryset)
        lists(self.request, (patient.pk for patient in page or ()))
        return page

    @extend_schema(responses={201: PatientSerializer, 400: refusal("A field is not right"), 429: refusal("Too many numbers tried")})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Any:  # Any: the framework's own signature
        """Add a patient, who is then in your care."""
        return super().create(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[Patient]) -> None:
        """Save the patient and log the change.

        The middleware cannot log it: it would roll back the entry about a refused record number.
        """
        with transaction.atomic():
            record_access(self.request, AccessLog.Action.EDIT, serializer.save())

    @extend_schema(responses=CSV, filters=False)
    def csv(self, request: Request, patient: str) -> StreamingHttpResponse:
        """A table of all visits, as CSV."""
        return csv_answer(request, self.get_object())
