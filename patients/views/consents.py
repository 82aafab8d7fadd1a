"""The consents of a patient, and their withdrawal."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.care.banner import banner_of
from patients.consent.consent import consent_text, consent_text_fingerprint, give_consent, new_consent, withdraw_consent
from patients.forms.consent import ConsentForm
from patients.models import Consent, ErasureRequest, Patient
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, render_form


@dataclass(frozen=True)
class PurposeCard:
    """One purpose: the text for a new consent, the consent in force, and the ended ones."""

    purpose: Consent.Purpose
    words: str
    mark: str
    active: Consent | None
    ended: list[Consent]
    form: ConsentForm

    @property
    def is_care(self) -> bool:
        """Whether this is the purpose that everything else needs."""
        return self.purpose == Consent.Purpose.CARE

    @property
    def is_older(self) -> bool:
        """Whether the consent in force was given to another text, which is known, than the one in use."""
        given = self.active
        return given is not None and bool(given.words and self.words) and given.text_version != settings.CONSENT_TEXT_VERSION


@require_GET
def show_consents(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show every purpose with its consents."""
    return _page(request, find_patient(request, patient_id))


@require_POST
def record_consent(request: ClinicianRequest, patient_id: UUID, purpose: str) -> HttpResponse:
    """Record that the patient agreed to the text that the page showed. If another text is in force by now, nothing is recorded."""
    patient = find_patient(request, patient_id)
    if purpose not in Consent.Purpose.values:
        raise Http404
    if request.POST.get("words") != consent_text_fingerprint(purpose):
        return _show_new_words(request, patient)
    form = ConsentForm(request.POST, instance=new_consent(patient, purpose, request.user), auto_id=f"{purpose}_%s")
    if not form.is_valid():
        return _page(request, patient, {purpose: form})
    try:
        give_consent(form.instance, request)
    except IntegrityError:
        messages.warning(request, _("This consent is already recorded."))
    else:
        messages.success(request, _("Consent recorded."))
    return redirect("patients:consents", patient.pk)


@require_POST
def record_withdrawal(request: ClinicianRequest, patient_id: UUID, purpose: str) -> HttpResponse:
    """Record the withdrawal of a consent, and carry out its consequences at once."""
    patient = find_patient(request, patient_id)
    consent = get_object_or_404(patient.consents.active(), purpose=purpose)
    if withdraw_consent(consent, request.user, request):
        messages.success(request, _("Withdrawal recorded."))
    return redirect("patients:consents", patient.pk)


def _show_new_words(request: ClinicianRequest, patient: Patient) -> HttpResponse:
    changed = _(
        "The text of this consent has changed since you opened the page. Nothing was recorded: go over the new text with the "
        "patient, then record the consent."
    )
    messages.warning(request, changed)
    return redirect("patients:consents", patient.pk)


def _page(request: ClinicianRequest, patient: Patient, filled: dict[str, ConsentForm] | None = None) -> HttpResponse:
    consents = list(patient.consents.select_related("recorded_by", "withdrawn_by"))
    context = banner_of(patient) | {
        "cards": [_card(purpose, consents, (filled or {}).get(purpose)) for purpose in Consent.Purpose],
        "erasure": ErasureRequest.objects.open_for(patient),
        "may_record": patient.is_in_care_of(request.user),
        "text_version": settings.CONSENT_TEXT_VERSION,
        "way_back": reverse("patients:consents", args=[patient.pk]),
        "grace_hours": settings.ERASURE_GRACE_HOURS,
    }
    return render_form(request, "patients/consents.html", context)


def _card(purpose: Consent.Purpose, consents: list[Consent], filled: ConsentForm | None) -> PurposeCard:
    own = [consent for consent in consents if consent.purpose == purpose]
    return PurposeCard(
        purpose=purpose,
        words=consent_text(purpose),
        mark=consent_text_fingerprint(purpose),
        active=next((consent for consent in own if consent.is_active), None),
        ended=[consent for consent in own if not consent.is_active],
        form=filled or ConsentForm(auto_id=f"{purpose}_%s"),
    )
