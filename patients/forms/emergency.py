"""The form of an emergency access."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.days import DayField
from patients.models import Patient

REASON_MIN_LENGTH = 15  # shorter text explains nothing


class EmergencyForm(forms.Form):
    """Which patient, and why. The patient is found by record number and date of birth together, never by one of them."""

    record_number = forms.CharField(label=_("Record number"), max_length=100)
    birth_date = DayField(label=_("Date of birth"))
    reason = forms.CharField(
        label=_("Reason"),
        min_length=REASON_MIN_LENGTH,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The care team and an administrator can read it."),
    )
    patient: Patient

    def clean(self) -> dict[str, Any]:  # Any: Django's own signature
        """Find the patient; the same words whether number or date is wrong."""
        fields = self.cleaned_data
        if "record_number" in fields and "birth_date" in fields:
            twins = Patient.objects.with_record_number(fields["record_number"]).order_by("record_number_twin")
            patient = next((each for each in twins if each.birth_date == fields["birth_date"]), None)
            if patient is None:
                raise forms.ValidationError(_("No patient has this record number and this date of birth."), code="no_such_patient")
            self.patient = patient
        return fields
