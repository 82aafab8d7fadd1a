"""Filters and orders of lists. A value that a filter does not know is a 400."""

from datetime import date

from django.db.models import F, QuerySet
from django_filters import rest_framework as filters

from inference.models import Prediction
from patients.models import Consent, Event, Patient, Photo, Study, Task, Visit
from patients.models.names import Search
from patients.tasks.kinds import KINDS
from patients.timeline.caseload import among
from patients.timeline.directory import directory_of


class PatientFilter(filters.FilterSet):  # type: ignore[misc]  # a class without types, as all below
    """Patients by words, record number or date of birth."""

    q = filters.CharFilter(
        method="by_words", help_text="Parts of the name or the record number, in any order, however they are spelt"
    )
    record_number = filters.CharFilter(method="by_number", help_text="The whole record number, however it is spelt")
    birth_date = filters.DateFilter(method="by_birth_date")
    ordering = filters.OrderingFilter(fields=("created_at",))

    def by_words(self, rows: QuerySet[Patient], name: str, words: str) -> QuerySet[Patient]:
        """Return the patients that the words find."""
        user = self.request.user
        return rows.filter(pk__in=among(directory_of(user).found(Search(words))))

    def by_number(self, rows: QuerySet[Patient], name: str, number: str) -> QuerySet[Patient]:
        """Return the patients with this record number."""
        return rows.filter(pk__in=Patient.objects.with_record_number(number).values("pk"))

    def by_birth_date(self, rows: QuerySet[Patient], name: str, day: date) -> QuerySet[Patient]:
        """Return the patients born on this day. Opens the dates of all: the database cannot read them."""
        return rows.filter(pk__in=[patient.pk for patient in rows.only("pk", "birth_date") if patient.birth_date == day])


class VisitFilter(filters.FilterSet):  # type: ignore[misc]
    """Visits by day."""

    since = filters.DateFilter("date", "gte", help_text="The first day, included")
    until = filters.DateFilter("date", "lte", help_text="The last day, included")
    ordering = filters.OrderingFilter(fields=("date", "created_at"))

    class Meta:
        model = Visit
        fields = ()


class EventFilter(filters.FilterSet):  # type: ignore[misc]
    """Events by kind and first day."""

    kind = filters.ChoiceFilter(choices=Event.Kind.choices, method="by_kind")
    since = filters.DateFilter("starts_on", "gte", help_text="Began on this day or later")
    until = filters.DateFilter("starts_on", "lte", help_text="Began on this day or earlier")
    ordering = filters.OrderingFilter(fields=("starts_on", "created_at"))

    class Meta:
        model = Event
        fields = ()

    def by_kind(self, rows: QuerySet[Event], name: str, kind: str) -> QuerySet[Event]:
        """Return the events of this kind. Opens the kinds of all: the database cannot read them."""
        return rows.filter(pk__in=[event.pk for event in rows.only("pk", "patient_id", "kind") if event.kind == kind])


class PhotoFilter(filters.FilterSet):  # type: ignore[misc]
    """Photos by the state of the newest prediction, or by whether a clinician left them out."""

    state = filters.ChoiceFilter(choices=Prediction.State.choices, method="by_state", help_text="State of the newest prediction")
    excluded = filters.BooleanFilter("excluded_at", "isnull", exclude=True)
    ordering = filters.OrderingFilter(fields=("uploaded_at", "taken_at"))

    class Meta:
        model = Photo
        fields = ()

    def by_state(self, rows: QuerySet[Photo], name: str, state: str) -> QuerySet[Photo]:
        """Return the photos whose newest prediction is in this state."""
        of_state = Photo.objects.with_newest().filter(predictions__id=F("newest_prediction_id"), predictions__state=state)
        return rows.filter(pk__in=of_state.values("pk"))


class ConsentFilter(filters.FilterSet):  # type: ignore[misc]
    """Consents by purpose, or those in force."""

    purpose = filters.ChoiceFilter(choices=Consent.Purpose.choices)
    active = filters.BooleanFilter(method="by_force", help_text="Neither withdrawn nor replaced by a newer text")
    ordering = filters.OrderingFilter(fields=("recorded_at", "given_on"))

    class Meta:
        model = Consent
        fields = ()

    def by_force(self, rows: QuerySet[Consent], name: str, is_active: bool) -> QuerySet[Consent]:
        """Return the consents in force, or the ended ones."""
        active = Consent.objects.active().values("pk")
        return rows.filter(pk__in=active) if is_active else rows.exclude(pk__in=active)


class StudyFilter(filters.FilterSet):  # type: ignore[misc]
    """Studies that patients can join, or the others."""

    recruiting = filters.BooleanFilter(method="by_recruiting", help_text="With an ethics reference, and not closed")
    ordering = filters.OrderingFilter(fields=("starts_on", "name"))

    class Meta:
        model = Study
        fields = ()

    def by_recruiting(self, rows: QuerySet[Study], name: str, is_recruiting: bool) -> QuerySet[Study]:
        """Return the studies that patients can join, or the others."""
        recruiting = Study.objects.all().recruiting().values("pk")
        return rows.filter(pk__in=recruiting) if is_recruiting else rows.exclude(pk__in=recruiting)


class TaskFilter(filters.FilterSet):  # type: ignore[misc]
    """Tasks by kind and state."""

    kind = filters.ChoiceFilter(choices=[(name, name) for name in KINDS])
    state = filters.ChoiceFilter(choices=Task.State.choices)
    ordering = filters.OrderingFilter(fields=("created_at", "finished_at"))

    class Meta:
        model = Task
        fields = ()
