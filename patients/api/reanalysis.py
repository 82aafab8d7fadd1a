"""Older photos are read again by the current model."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.errors import Refused, refusal
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.models import Patient
from patients.photos.reanalyse import reanalyse_outdated


class QueuedSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """How many photos were queued."""

    photos = serializers.IntegerField()


class PatientReanalysis(DescribedView):
    """Re-analysis of a whole record."""

    @extend_schema(request=None, responses={202: QueuedSerializer, 409: refusal("`nothing_to_read`")}, tags=["photos"])
    def post(self, request: Request, patient: UUID) -> Response:
        """Queue the photos that an older model read for the current one. Older results are kept."""
        count = reanalyse_outdated(visible(Patient, request, patient))
        if not count:
            raise Refused(_("No photo can be re-analysed: none is left, or consent is missing."), "nothing_to_read")
        return Response({"photos": count}, status=status.HTTP_202_ACCEPTED)
