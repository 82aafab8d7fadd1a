"""Studies: the list, the group, and the data package. A researcher's key reaches these."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.errors import Refused, refusal
from patients.api.filters import StudyFilter
from patients.api.group import Json, group_json
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.api.revision import IF_MATCH, check_revision, locked, revision
from patients.api.study_changes import StudyChangesSerializer, changed, created, open_to_changes
from patients.api.tasks import TaskSerializer, started
from patients.models import Arm, Study
from patients.models.study import Right
from patients.reports.study.forms import FORMS
from patients.studies.counts import study_rows
from patients.studies.group import group_of
from patients.tasks import study_export, study_model
from patients.tasks.begin import CannotExport, begin_study_export


class ArmSerializer(serializers.ModelSerializer[Arm]):
    """One arm."""

    class Meta:
        model = Arm
        fields = ("id", "name")
        read_only_fields = fields


class StudySerializer(serializers.ModelSerializer[Study]):
    """A study of which you are a member. `fields_seen` is what its ethics board approved; without a reference it is a draft."""

    lead = serializers.CharField(source="lead.display_name", read_only=True)
    fields_seen = serializers.ListField(child=serializers.ChoiceField(Study.Field.choices), source="fields", read_only=True)
    arms = ArmSerializer(many=True, read_only=True)

    class Meta:
        model = Study
        fields: tuple[str, ...] = (
            *("id", "name", "ethics_reference", "starts_on", "closed_on"),
            *("fields_seen", "smallest_cell", "lead", "arms"),
        )
        read_only_fields = fields


class StudyGroupSerializer(StudySerializer):
    """A study with its numbers and its group."""

    participants = serializers.SerializerMethodField()
    visits = serializers.SerializerMethodField()
    may_export = serializers.SerializerMethodField()
    group = serializers.SerializerMethodField()

    class Meta(StudySerializer.Meta):
        fields = (*StudySerializer.Meta.fields, "participants", "visits", "may_export", "group")
        read_only_fields = fields

    def get_participants(self, study: Study) -> int:
        """Return how many people take part."""
        return int(self.context["row"].participants)

    def get_visits(self, study: Study) -> int:
        """Return how many visits count."""
        return int(self.context["row"].visits)

    def get_may_export(self, study: Study) -> bool:
        """Return whether the caller may export it, by the rights in the study and in the installation."""
        user = signed_in(self.context["request"])
        return user.may_export and study.grants(user, Right.EXPORT)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_group(self, study: Study) -> Json:
        """Return means by arm and week, people by age, correlations and the mixed model, as far as fields and size allow."""
        return group_json(group_of(study), study_model.is_waiting(study))


class ExportOptionsSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """The format of the data package, and its tables; participants are always in it."""

    format = serializers.ChoiceField(choices=[(key, name) for key, (name, _write) in FORMS.items()], default="csv")
    tables = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(study_export.NAMES)), default=sorted(study_export.NAMES)
    )


REVISED = ("name", "ethics_reference", "starts_on", "closed_on", "smallest_cell", "fields")


@extend_schema(tags=["studies"])
class StudyList(DescribedView, generics.ListAPIView[Study]):
    """Your studies."""

    serializer_class = StudySerializer
    filterset_class = StudyFilter
    queryset = Study.objects.none()

    def get_queryset(self) -> QuerySet[Study]:
        """Return the studies of which the caller is a member."""
        return Study.objects.of(signed_in(self.request)).select_related("lead").prefetch_related("arms")

    @extend_schema(request=StudyChangesSerializer, responses={201: StudySerializer})
    def post(self, request: Request) -> Response:
        """Create a study, which you lead. It needs a name that no other study of yours has, and at least one arm."""
        return Response(StudySerializer(created(request)).data, status=status.HTTP_201_CREATED)


class StudyDetail(DescribedView):
    """One study."""

    parameters = {"patch": [IF_MATCH]}  # noqa: RUF012  # read by DescribedView

    @extend_schema(responses=StudyGroupSerializer, tags=["studies"])
    def get(self, request: Request, study: UUID) -> Response:
        """The study with its group. Cells below the smallest are null or missing, as on the page."""
        own = Study.objects.of(signed_in(request)).select_related("lead").prefetch_related("arms")
        found = get_object_or_404(own, pk=study)
        (row,) = study_rows(signed_in(request), found)
        headers = {"ETag": revision(found, REVISED)}
        return Response(StudyGroupSerializer(found, context={"request": request, "row": row}).data, headers=headers)

    @extend_schema(request=StudyChangesSerializer, responses=StudySerializer, tags=["studies"])
    def patch(self, request: Request, study: UUID) -> Response:
        """Change the fields and arms that are sent. Needs the right to change the study."""
        found = get_object_or_404(open_to_changes(request), pk=study)
        with transaction.atomic():
            check_revision(request, locked(found), REVISED)
            found = changed(request, found)
        headers = {"ETag": revision(found, REVISED)}
        return Response(StudySerializer(open_to_changes(request).get(pk=found.pk)).data, headers=headers)


class StudyExport(DescribedView):
    """The data package of a study."""

    @extend_schema(
        request=ExportOptionsSerializer, responses={202: TaskSerializer, 409: refusal("`cannot_export`")}, tags=["exports"]
    )
    def post(self, request: Request, study: UUID) -> Response:
        """Start a task that writes the data package (ZIP). Needs the right to export in the study and in the installation."""
        user = signed_in(request)
        found = get_object_or_404(Study.objects.open_to(user, Right.EXPORT), pk=study)
        sent = ExportOptionsSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        chosen = sent.validated_data
        try:
            task = begin_study_export(found, chosen["format"], chosen["tables"], user, request)
        except CannotExport:
            why = _("Nothing was exported: the ethics reference or the format is missing.")
            raise Refused(why, "cannot_export") from None
        return started(request, task)
