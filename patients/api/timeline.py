"""The timeline of a patient: one point per visit, and the usual range."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.models import Patient
from patients.timeline.baseline import Baseline, baseline_of
from patients.timeline.summaries import points


def baseline_json(baseline: Baseline | None) -> dict[str, Any] | None:  # Any: JSON
    """Return the usual range; None where there is none."""
    if baseline is None:
        return None
    return {
        "low": baseline.on_scale[0],
        "high": baseline.on_scale[1],
        "mean": baseline.mean,
        "visits": sorted(map(str, baseline.visit_ids)),
        "is_chosen": baseline.is_chosen,
        "is_provisional": baseline.is_provisional,
        "model_versions": list(baseline.model_versions),
    }


class PatientTimeline(DescribedView):
    """The timeline of one patient."""

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["timeline"])
    def get(self, request: Request, patient: UUID) -> Response:
        """One point per visit that has photos, oldest first: means, intervals and how many photos are behind them.

        `usual_range` is the patient's own range of the valence index over the baseline visits; null below four of them.
        """
        found = points(visible(Patient, request, patient))
        return Response({"points": [point.as_json() for point in found], "usual_range": baseline_json(baseline_of(found))})
