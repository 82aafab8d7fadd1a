"""Break-glass: how a clinician gets to a patient who is not theirs, for two hours and in full view."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core import ratelimit
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from patients.audit.log import record_access
from patients.forms.widgets import DateInput
from patients.models import AccessLog, BreakGlass, Patient, User

LEAST_REASON = 15  # letters: shorter is no reason


class EmergencyForm(forms.Form):
    """Whom and why. Record number and date of birth together name one patient; neither is searched for alone."""

    record_number = forms.CharField(label=_("Record number"), max_length=100)
    birth_date = forms.DateField(label=_("Date of birth"), widget=DateInput())
    reason = forms.CharField(
        label=_("Reason"),
        min_length=LEAST_REASON,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In your own words. Those who look after the patient and an administrator read it."),
    )
    patient: Patient

    def clean(self) -> dict[str, Any]:  # Any: Django's own signature
        """Find the patient; the same words whether number or date is wrong."""
        asked = self.cleaned_data
        if "record_number" in asked and "birth_date" in asked:
            rows = Patient.objects.with_record_number(asked["record_number"]).filter(birth_date=asked["birth_date"])
            patient = rows.first()
            if patient is None:
                raise forms.ValidationError(_("No patient has this record number and this date of birth."), code="nobody")
            self.patient = patient
        return asked


def has_proved_who(request: HttpRequest) -> bool:
    """Whether the person gave a password, a code or a passkey once more in the last five minutes. Signing in is not enough."""
    return bool(did_recently_reauthenticate(request))


def is_guessing(request: HttpRequest) -> bool:
    """Whether this user has tried more often in an hour than an emergency explains."""
    return not ratelimit.consume(request, action="break_glass", user=request.user)


def break_glass(patient: Patient, user: User, reason: str, request: HttpRequest) -> BreakGlass:
    """Return the access that is open from now on."""
    with transaction.atomic():
        glass = BreakGlass.objects.create(patient=patient, clinician=user, reason=reason)
        record_access(request, AccessLog.Action.BREAK_GLASS, patient, glass=glass.pk)
    return glass


def open_glasses(request: HttpRequest) -> dict[str, object]:
    """Return the emergency accesses of whoever asks, for the banner that every page then carries. No query without one."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_open_glass:
        return {}
    return {"open_glasses": user.break_glasses.open().select_related("patient")}
