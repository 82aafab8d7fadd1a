"""Visits."""

from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.filters import VisitFilter
from patients.api.form_data import IDEMPOTENCY_KEY, added_once, checked, form_data
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.patients import SentFieldsSerializer
from patients.api.permission import signed_in
from patients.api.revision import IF_MATCH, RevisedRow
from patients.api.tables import CSV, CSV_PARAMETERS, csv_answer
from patients.forms.patient import visit_day
from patients.forms.visit import VisitForm
from patients.models import Patient, Visit

NOTE_MAX_LENGTH = 100_000  # Django limits the size of a form, but not of JSON


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
        return visit_day(value, self.instance.patient if self.instance else self.context["patient"])


@extend_schema(tags=["visits"])
class PatientVisits(DescribedView, generics.ListAPIView[Visit]):
    """The visits of one patient."""

    serializer_class = VisitSerializer
    filterset_class = VisitFilter
    queryset = Visit.objects.none()
    parameters = {"post": [IDEMPOTENCY_KEY]}  # noqa: RUF012  # read by DescribedView

    def get_queryset(self) -> QuerySet[Visit]:
        """Return the visits by date."""
        return Visit.objects.filter(patient=visible(Patient, self.request, self.kwargs["patient"]))

    @extend_schema(responses={201: VisitSerializer, 200: VisitSerializer})
    def post(self, request: Request, patient: UUID) -> Response:
        """Add a visit."""
        # Answers 404 for another clinician's patient before the data is validated.
        whose = visible(Patient, request, patient)
        sent = VisitSerializer(data=request.data, context={"patient": whose})
        sent.is_valid(raise_exception=True)
        visit = Visit(patient=whose, created_by=signed_in(request))
        form = checked(VisitForm(form_data(VisitForm, visit, sent.validated_data), instance=visit))
        return added_once(request, form, VisitSerializer)


@extend_schema(tags=["visits"])
class VisitViewSet(DescribedView, RevisedRow, viewsets.GenericViewSet[Visit]):
    """One visit."""

    serializer_class = VisitSerializer
    queryset = Visit.objects.none()
    lookup_url_kwarg = "visit"
    parameters = {"partial_update": [IF_MATCH], "csv": CSV_PARAMETERS}  # noqa: RUF012  # read by DescribedView
    revised = ("date", "note")

    def get_queryset(self) -> QuerySet[Visit]:
        """Return the visits of the caller's patients."""
        return Visit.objects.visible_to(signed_in(self.request)).select_related("patient")

    @extend_schema(responses=CSV)
    def csv(self, request: Request, visit: UUID) -> StreamingHttpResponse:
        """A table of this visit, as CSV."""
        row = self.get_object()
        return csv_answer(request, row.patient, row)
