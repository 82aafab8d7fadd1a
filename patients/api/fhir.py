"""Records as FHIR R4 for other systems of the hospital."""

from typing import Any

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from patients.api.views import clinician
from patients.models import Patient, Visit
from patients.reports.fhir.bundle import bundle_response
from patients.reports.scope import Scope

BUNDLE: Any = {(200, "application/fhir+json"): OpenApiTypes.OBJECT}  # Any: the framework's own shape


class PatientBundle(APIView):
    """The record of one patient."""

    @extend_schema(responses=BUNDLE)
    def get(self, request: Request, patient: str) -> StreamingHttpResponse:
        """The patient with all visits, as a bundle of FHIR R4. It is sent while it is made."""
        found = get_object_or_404(Patient.objects.visible_to(clinician(request)), pk=patient)
        return bundle_response(Scope([found]), clinician(request))


class VisitBundle(APIView):
    """One visit."""

    @extend_schema(responses=BUNDLE)
    def get(self, request: Request, visit: str) -> StreamingHttpResponse:
        """The patient with this visit, as a bundle of FHIR R4."""
        visits = Visit.objects.visible_to(clinician(request)).select_related("patient")
        found = get_object_or_404(visits, pk=visit)
        return bundle_response(Scope([found.patient], found), clinician(request))
