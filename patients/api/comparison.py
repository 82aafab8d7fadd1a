"""Two visits or two periods of one patient, side by side."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.form_data import checked
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.timeline import baseline_json
from patients.models import Patient
from patients.readings.comparison import asked_in
from patients.timeline.baseline import baseline_of
from patients.timeline.compare import Comparison, ComparisonRow, Side
from patients.timeline.interval import Interval
from patients.timeline.sides import Sides
from patients.timeline.summaries import points

Json = dict[str, Any]  # Any: JSON
NOTHING: Json = {"first": None, "second": None, "rows": []}
PERIODS = tuple(OpenApiParameter(name, OpenApiTypes.DATE) for name in ("a_from", "a_to", "b_from", "b_to"))


class PatientComparison(DescribedView):
    """Two sides with the difference."""

    parameters = {  # noqa: RUF012  # read by DescribedView
        "get": [
            OpenApiParameter("a", OpenApiTypes.STR, description="The id of a visit, or `baseline` for the baseline visits"),
            OpenApiParameter("b", OpenApiTypes.STR, description="The other visit"),
            *PERIODS,
        ]
    }

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["timeline"])
    def get(self, request: Request, patient: UUID) -> Response:
        """Compare two visits (`a`, `b`), or two periods (`a_from` to `a_to`, `b_from` to `b_to`); by default the last two visits.

        Only visits with photos that count are compared. With fewer than two of them, or none on a side, both sides are null.
        """
        found = points(visible(Patient, request, patient))
        offered = Sides([point for point in found if point.used], baseline_of(found))
        usual = {"usual_range": baseline_json(offered.baseline)}
        if len(offered.known) < 2:
            return Response(NOTHING | usual)
        asked = asked_in(request.query_params.dict(), offered)
        checked(asked.form)
        comparison = asked.comparison()
        return Response((comparison_json(comparison) if comparison.rows else NOTHING) | usual)


def comparison_json(found: Comparison) -> Json:
    """Return both sides, and eight rows with the valence index first."""
    return {
        "first": _side(found.first),
        "second": _side(found.second),
        "rows": [_row(row) for row in found.rows],
        "is_settled": found.is_settled,
        "has_two_models": found.has_two_models,
    }


def _side(side: Side) -> Json:
    return {
        "from": side.first.isoformat(),
        "to": side.last.isoformat(),
        "visits": [str(point.visit_id) for point in side.points],
        "photos": side.photos,
        "model_versions": list(side.model_versions),
    }


def _row(row: ComparisonRow) -> Json:
    return {
        "name": row.name,
        "first": row.first,
        "first_interval": _ends(row.first_interval),
        "second": row.second,
        "second_interval": _ends(row.second_interval),
        "difference": row.difference,
        "difference_interval": _ends(row.difference_interval),
        "stands_out": row.stands_out,
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None
