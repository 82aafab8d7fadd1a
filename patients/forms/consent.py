"""The form for a consent that a patient has given."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.formats import clinic_today
from patients.forms.days import DayField
from patients.models import Consent


class ConsentForm(forms.ModelForm[Consent]):
    """How and when a patient consented. Purpose and wording are no fields: the page sets them."""

    class Meta:
        model = Consent
        fields = ("given_on", "method")
        field_classes = {"given_on": DayField}  # noqa: RUF012  # Django's own shape
        labels = {"given_on": _("Given on"), "method": _("How")}  # noqa: RUF012  # Django's own shape

    def clean_given_on(self) -> object:
        """Return the day. Raises ValidationError when it is in the future."""
        day = self.cleaned_data["given_on"]
        if day > clinic_today():
            raise ValidationError(_("A consent cannot be given in the future."))
        return day
