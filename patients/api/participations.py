"""The studies of a patient."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.errors import Refused, refusal
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.models import Arm, Participation, Patient, Study
from patients.studies.participation import NoResearchConsent, join, leave


class ParticipationSerializer(serializers.ModelSerializer[Participation]):
    """A patient in one arm of a study, by study number."""

    study_name = serializers.CharField(source="study.name", read_only=True)
    arm_name = serializers.CharField(source="arm.name", read_only=True)

    class Meta:
        model = Participation
        fields = ("study", "study_name", "arm", "arm_name", "number", "joined_on", "left_on", "withdrawn_at")
        read_only_fields = fields


class JoinSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """The arm to join; in the study already, the patient changes the arm."""

    arm = serializers.IntegerField(min_value=1, max_value=2**62, help_text="The id of an arm, from `studies/`")


@extend_schema(tags=["studies"])
class PatientStudies(DescribedView, generics.ListAPIView[Participation]):
    """The participations of one patient."""

    serializer_class = ParticipationSerializer
    queryset = Participation.objects.none()

    def get_queryset(self) -> QuerySet[Participation]:
        """Return those in the caller's studies."""
        patient = visible(Patient, self.request, self.kwargs["patient"])
        own = patient.participations.filter(study__in=Study.objects.of(signed_in(self.request)))
        return own.select_related("study", "arm").order_by("study__name", "pk")

    @extend_schema(request=JoinSerializer, responses={201: ParticipationSerializer, 409: refusal("`no_research_consent`")})
    def post(self, request: Request, patient: UUID) -> Response:
        """Put the patient into an arm of a study that is recruiting and of which you are a member."""
        whose = visible(Patient, request, patient)
        sent = JoinSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        arms = Arm.objects.filter(study__in=Study.objects.of(signed_in(request)).recruiting()).select_related("study")
        arm = get_object_or_404(arms, pk=sent.validated_data["arm"])
        try:
            joined = join(whose, arm, signed_in(request), request)
        except NoResearchConsent:
            why = _("The patient does not consent to research. Record the consent first.")
            raise Refused(why, "no_research_consent") from None
        return Response(ParticipationSerializer(joined).data, status=status.HTTP_201_CREATED)


class LeaveStudy(DescribedView):
    """A patient leaves a study."""

    @extend_schema(request=None, responses=ParticipationSerializer, tags=["studies"])
    def post(self, request: Request, patient: UUID, study: UUID) -> Response:
        """Record that the patient left the study today. Visits until then stay in it."""
        whose = visible(Patient, request, patient)
        own = whose.participations.filter(study__in=Study.objects.of(signed_in(request))).select_related("patient", "study", "arm")
        found = get_object_or_404(own, study=study)
        leave(found, request)
        found.refresh_from_db()
        return Response(ParticipationSerializer(found).data)
