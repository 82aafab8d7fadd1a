"""Events: what happened around the visits and may explain a change."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from patients.api.filters import EventFilter
from patients.api.form_data import IDEMPOTENCY_KEY, added_once, checked, form_data
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.api.revision import IF_MATCH, RevisedRow
from patients.forms.event import LABEL_MAX_LENGTH, EventForm
from patients.models import Event, Patient


class EventSerializer(serializers.ModelSerializer[Event]):
    """An event. Without `ends_on` it is a single day, unless it `goes_on`."""

    patient: serializers.PrimaryKeyRelatedField[Patient] = serializers.PrimaryKeyRelatedField(read_only=True)

    class Meta:
        model = Event
        fields = ("id", "patient", "kind", "label", "starts_on", "ends_on", "goes_on", "created_at")
        read_only_fields = ("id", "created_at")
        extra_kwargs = {"label": {"max_length": LABEL_MAX_LENGTH}}  # noqa: RUF012  # the framework's own shape


@extend_schema(tags=["events"])
class PatientEvents(DescribedView, generics.ListAPIView[Event]):
    """The events of one patient."""

    serializer_class = EventSerializer
    filterset_class = EventFilter
    queryset = Event.objects.none()
    parameters = {"post": [IDEMPOTENCY_KEY]}  # noqa: RUF012  # read by DescribedView

    def get_queryset(self) -> QuerySet[Event]:
        """Return the events, the newest first."""
        return Event.objects.filter(patient=visible(Patient, self.request, self.kwargs["patient"]))

    @extend_schema(responses={201: EventSerializer, 200: EventSerializer})
    def post(self, request: Request, patient: UUID) -> Response:
        """Add an event."""
        event = Event(patient=visible(Patient, request, patient), created_by=signed_in(request))
        sent = EventSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        form = checked(EventForm(form_data(EventForm, event, sent.validated_data), instance=event))
        return added_once(request, form, EventSerializer)


@extend_schema(tags=["events"])
@extend_schema_view(destroy=extend_schema(description="Delete the event."))
class EventViewSet(DescribedView, RevisedRow, mixins.DestroyModelMixin, viewsets.GenericViewSet[Event]):
    """One event."""

    serializer_class = EventSerializer
    queryset = Event.objects.none()
    lookup_url_kwarg = "event"
    parameters = {"partial_update": [IF_MATCH]}  # noqa: RUF012  # read by DescribedView
    revised = ("kind", "label", "starts_on", "ends_on", "goes_on")

    def get_queryset(self) -> QuerySet[Event]:
        """Return the events of the caller's patients."""
        return Event.objects.visible_to(signed_in(self.request)).select_related("patient")

    def perform_update(self, serializer: BaseSerializer[Event]) -> None:
        """Save what was sent."""
        event = serializer.instance
        assert event is not None
        checked(EventForm(form_data(EventForm, event, serializer.validated_data), instance=event)).save()
