"""The form for a consent that a patient has given."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.forms.days import DayField
from patients.models import Consent
from patients.models.formats import clinic_today


class ConsentForm(forms.ModelForm[Consent]):
    """How and when a patient consented. Purpose and wording are no fields: the page sets them."""

    use_required_attribute = False  # the page says what is missing, at the field and in its own words

    class Meta:
        model = Consent
        fields = ("given_on", "method")
        field_classes = {"given_on": DayField}  # noqa: RUF012  # Django's own shape
        labels = {"given_on": _("Given on"), "method": _("How")}  # noqa: RUF012  # Django's own shape

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        super().__init__(*args, **kwargs)
        method, day = self.fields["method"], self.fields["given_on"]
        assert isinstance(method, forms.ChoiceField)
        method.choices = [("", _("Choose")), *Consent.Method.choices]
        method.error_messages["required"] = _("Choose how consent was given.")
        day.error_messages["required"] = _("Enter the day on which consent was given.")

    def clean_given_on(self) -> object:
        """Return the day. Raises ValidationError when it is in the future."""
        day = self.cleaned_data["given_on"]
        if day > clinic_today():
            raise ValidationError(_("The date cannot be in the future."))
        return day
