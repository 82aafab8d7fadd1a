"""The self-report of a visit."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.form_data import checked, form_data
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.revision import IF_MATCH, check_revision, revision
from patients.forms.self_report import SelfReportForm, report_of
from patients.models import SelfReport, Visit

ANSWERS = ("mood", "phq9", "gad7")


class SelfReportSerializer(serializers.ModelSerializer[SelfReport]):
    """Mood from 0 to 10, PHQ-9 from 0 to 27 and GAD-7 from 0 to 21; null where there is no answer."""

    saved_at = serializers.SerializerMethodField()

    class Meta:
        model = SelfReport
        fields = (*ANSWERS, "saved_at")

    def get_saved_at(self, report: SelfReport) -> datetime | None:
        """Return when an answer was last saved; None before the first."""
        return None if report._state.adding else report.saved_at


@extend_schema(tags=["self-reports"])
class VisitSelfReport(DescribedView):
    """The self-report of one visit."""

    parameters = {"patch": [IF_MATCH]}  # noqa: RUF012  # read by DescribedView

    @extend_schema(responses=SelfReportSerializer)
    def get(self, request: Request, visit: UUID) -> Response:
        """The patient's own ratings of the days before the visit."""
        return self._shown(report_of(visible(Visit, request, visit)))

    @extend_schema(request=SelfReportSerializer, responses=SelfReportSerializer)
    def patch(self, request: Request, visit: UUID) -> Response:
        """Save the answers that are sent; null clears one."""
        row = visible(Visit, request, visit)
        sent = SelfReportSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        with transaction.atomic():
            # Locked: two requests must not both make the first report of a visit.
            Visit.objects.select_for_update(no_key=True).get(pk=row.pk)
            report = report_of(row)
            check_revision(request, report, ANSWERS)
            checked(SelfReportForm(form_data(SelfReportForm, report, sent.validated_data), instance=report)).save()
        return self._shown(report)

    def _shown(self, report: SelfReport) -> Response:
        return Response(SelfReportSerializer(report).data, headers={"ETag": revision(report, ANSWERS)})
