"""Records as FHIR R4 for other systems of the hospital."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.models import Patient, Visit
from patients.reports.fhir.bundle import bundle_response
from patients.reports.scope import Scope

BUNDLE: Any = {(200, "application/fhir+json"): OpenApiTypes.OBJECT}  # Any: the framework's own shape


class PatientBundle(DescribedView):
    """The record of one patient."""

    @extend_schema(responses=BUNDLE, tags=["exports"])
    def get(self, request: Request, patient: UUID) -> StreamingHttpResponse:
        """The patient with all visits, as a bundle of FHIR R4. It is sent while it is made."""
        return bundle_response(Scope([visible(Patient, request, patient)]), signed_in(request))


class VisitBundle(DescribedView):
    """One visit."""

    @extend_schema(responses=BUNDLE, tags=["exports"])
    def get(self, request: Request, visit: UUID) -> StreamingHttpResponse:
        """The patient with this visit, as a bundle of FHIR R4."""
        found = visible(Visit, request, visit)
        return bundle_response(Scope([found.patient], found), signed_in(request))
