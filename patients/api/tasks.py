"""Tasks: start one, poll it, fetch its file. A task tells of no patient by name."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from patients.api.errors import Refused, refusal
from patients.api.filters import TaskFilter
from patients.api.form_data import checked
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.audit.outcome import shows_nothing
from patients.forms.report import PAPERS, PERIODS, READERS, ReportForm
from patients.models import Patient, Task, Visit
from patients.tasks.begin import begin_report
from patients.tasks.download import task_file
from patients.tasks.kinds import KINDS
from patients.tasks.rows import reason_of
from patients.tasks.run import start_again


class TaskFileSerializer(serializers.ModelSerializer[Task]):
    """The file of a task, which is kept for a day."""

    name = serializers.CharField(source="file_name")

    class Meta:
        model = Task
        fields = ("name", "content_type", "size", "sha256", "kept_until")
        read_only_fields = fields


class TaskReasonSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Why a task failed, or its file is gone."""

    code = serializers.CharField()
    message = serializers.CharField()
    helps = serializers.CharField()


class TaskSerializer(serializers.ModelSerializer[Task]):
    """A task of yours. `done` and `total` count in the unit of its kind; `file` is null until there is one to fetch."""

    reason = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = ("id", "kind", "state", "done", "total", "reason", "file", "created_at", "started_at", "finished_at")
        read_only_fields = fields

    @extend_schema_field(TaskReasonSerializer(allow_null=True))
    def get_reason(self, task: Task) -> dict[str, str] | None:
        """Return the reason; None without one."""
        if not task.reason:
            return None
        what, then = reason_of(task)
        return {"code": task.reason, "message": what, "helps": then}

    @extend_schema_field(TaskFileSerializer(allow_null=True))
    def get_file(self, task: Task) -> dict[str, Any] | None:  # Any: JSON
        """Return what is known of the file; None where there is none to fetch."""
        return dict(TaskFileSerializer(task).data) if task.has_download else None


class ReportOptionsSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """What the report of a record holds; a report of one visit takes `paper` and `number` alone."""

    reader = serializers.ChoiceField(choices=READERS, default="record")
    period = serializers.ChoiceField(choices=PERIODS, default="all")
    paper = serializers.ChoiceField(choices=PAPERS, default="a4")
    number = serializers.CharField(default="", allow_blank=True, help_text="A study number that stands instead of the name")
    all_visits = serializers.BooleanField(default=False, help_text="A second page with all visits")


def started(request: Request, task: Task) -> Response:
    """Return 202 with the new task, and its address as `Location`."""
    address = reverse("api:task-detail", [task.pk], request=None)
    return Response(TaskSerializer(task).data, status=status.HTTP_202_ACCEPTED, headers={"Location": address})


class Report(DescribedView):
    """A report on paper (PDF)."""

    def begin(self, request: Request, patient: Patient, visit: Visit | None = None) -> Response:
        """Start the task."""
        sent = ReportOptionsSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        chosen = {name: value for name, value in sent.validated_data.items() if value is not False}
        form = ReportForm(patient, chosen, of_visit=visit is not None)
        task = begin_report(patient, visit, checked(form), signed_in(request))
        shows_nothing(request)
        return started(request, task)


class PatientReport(Report):
    """The report of a record."""

    @extend_schema(request=ReportOptionsSerializer, responses={202: TaskSerializer}, tags=["exports"])
    def post(self, request: Request, patient: UUID) -> Response:
        """Start a task that makes a PDF of the record. The download adds an entry to the access log."""
        return self.begin(request, visible(Patient, request, patient))


class VisitReport(Report):
    """The report of one visit."""

    @extend_schema(request=ReportOptionsSerializer, responses={202: TaskSerializer}, tags=["exports"])
    def post(self, request: Request, visit: UUID) -> Response:
        """Start a task that makes a PDF of the visit. The download adds an entry to the access log."""
        row = visible(Visit, request, visit)
        return self.begin(request, row.patient, row)


@extend_schema(tags=["tasks"])
class TaskList(DescribedView, generics.ListAPIView[Task]):
    """Your tasks."""

    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    queryset = Task.objects.none()

    def get_queryset(self) -> QuerySet[Task]:
        """Return the caller's tasks, the newest first."""
        return Task.objects.filter(owner=signed_in(self.request), kind__in=KINDS)


@extend_schema(tags=["tasks"])
class TaskViewSet(DescribedView, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Task]):
    """One task of yours, to poll until it is over."""

    serializer_class = TaskSerializer
    queryset = Task.objects.none()
    lookup_url_kwarg = "task"

    def get_queryset(self) -> QuerySet[Task]:
        """Return the caller's tasks."""
        return Task.objects.filter(owner=signed_in(self.request), kind__in=KINDS).select_related("owner")

    @extend_schema(responses={(200, "*/*"): OpenApiTypes.BINARY})
    def file(self, request: Request, task: UUID) -> HttpResponse:
        """The file. The access log of everyone in it gets an entry."""
        return task_file(self.get_object(), request)

    @extend_schema(request=None, responses=TaskSerializer)
    def cancel(self, request: Request, task: UUID) -> Response:
        """Cancel the task. One that is over stays as it is."""
        self.get_object().cancel()
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: TaskSerializer, 409: refusal("It has not failed: `not_over`")})
    def retry(self, request: Request, task: UUID) -> Response:
        """Start the same once more: after a failure, or when the file is no longer kept. It is a new task."""
        row = self.get_object()
        if not row.may_run_again:
            raise Refused(_("This task has not failed, and its file is still kept."), "not_over")
        return started(request, start_again(row))
