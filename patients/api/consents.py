"""Consents: the texts in force, what a patient agreed to, and withdrawals."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.errors import Refused, refusal
from patients.api.filters import ConsentFilter
from patients.api.form_data import checked
from patients.api.lookups import visible
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.consent.consent import consent_text, consent_text_fingerprint, give_consent, new_consent, withdraw_consent
from patients.forms.consent import ConsentForm
from patients.models import Consent, Patient


class ConsentTextSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """The text that a patient agrees to, in the language that the request accepts."""

    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices)
    version = serializers.CharField()
    text = serializers.CharField(help_text="Empty if the clinic has a version of its own on paper alone")
    fingerprint = serializers.CharField(help_text="Sent back with a consent: it proves which text was shown")


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    """One consent. It is never edited: a withdrawal ends it, and a newer text replaces it."""

    active = serializers.BooleanField(source="is_active", read_only=True)

    class Meta:
        model = Consent
        fields = (
            *("id", "purpose", "method", "given_on", "text_version", "words"),
            *("active", "recorded_at", "withdrawn_at", "replaced_at"),
        )
        read_only_fields = fields


class GivenConsentSerializer(serializers.Serializer[Any]):  # Any: the form of the page checks the rest
    """A consent that a patient has given."""

    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices)
    method = serializers.ChoiceField(choices=Consent.Method.choices)
    given_on = serializers.DateField()
    text_fingerprint = serializers.CharField(help_text="From `consent-texts/`, asked for in the same language")


class ConsentTexts(DescribedView):
    """The texts in force."""

    @extend_schema(responses=ConsentTextSerializer(many=True), tags=["consents"])
    def get(self, request: Request) -> Response:
        """The text of each purpose that is in force."""
        texts = [
            {
                "purpose": purpose.value,
                "version": settings.CONSENT_TEXT_VERSION,
                "text": consent_text(purpose),
                "fingerprint": consent_text_fingerprint(purpose),
            }
            for purpose in Consent.Purpose
        ]
        return Response(texts)


@extend_schema(tags=["consents"])
class PatientConsents(DescribedView, generics.ListAPIView[Consent]):
    """The consents of one patient."""

    serializer_class = ConsentSerializer
    filterset_class = ConsentFilter
    queryset = Consent.objects.none()

    def get_queryset(self) -> QuerySet[Consent]:
        """Return the consents, the newest first."""
        return Consent.objects.filter(patient=visible(Patient, self.request, self.kwargs["patient"]))

    @extend_schema(
        request=GivenConsentSerializer,
        responses={201: ConsentSerializer, 409: refusal("Nothing was recorded: `text_changed` or `already_given`")},
    )
    def post(self, request: Request, patient: UUID) -> Response:
        """Record that the patient agreed to the text in force. Consent to care stops an erasure that has not begun."""
        whose = visible(Patient, request, patient)
        sent = GivenConsentSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        if fields["text_fingerprint"] != consent_text_fingerprint(fields["purpose"]):
            raise Refused(_("The patient saw another text than the one in force. Nothing was recorded."), "text_changed")
        consent = new_consent(whose, fields["purpose"], signed_in(request))
        form = checked(ConsentForm({"given_on": fields["given_on"], "method": fields["method"]}, instance=consent))
        try:
            given = give_consent(form.instance, request)
        except IntegrityError:
            raise Refused(_("This consent is already recorded."), "already_given") from None
        return Response(ConsentSerializer(given).data, status=status.HTTP_201_CREATED)


class ConsentWithdrawal(DescribedView):
    """The withdrawal of a consent."""

    @extend_schema(request=None, responses=ConsentSerializer, tags=["consents"])
    def post(self, request: Request, patient: UUID, purpose: str) -> Response:
        """Record the withdrawal of the consent in force, and carry out its consequences at once.

        Without consent to care photos are no longer read, and they are erased some hours later.
        """
        whose = visible(Patient, request, patient)
        consent = get_object_or_404(whose.consents.active(), purpose=purpose)
        withdraw_consent(consent, signed_in(request), request)
        consent.refresh_from_db()
        return Response(ConsentSerializer(consent).data)
