"""The form of one event."""

from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.forms.conflicts import ConflictCheckedForm
from patients.forms.days import DayField
from patients.models import Event
from patients.models.formats import clinic_today

LABEL_MAX_LENGTH = 120
MAX_DAYS_AHEAD = timedelta(days=366)  # leaves room for a planned admission; a mistyped year would stretch the axis


class EventForm(ConflictCheckedForm[Event]):
    """Kind, label and days of an event. The instance brings the patient and the clinician."""

    label = forms.CharField(
        label=_("What happened"), max_length=LABEL_MAX_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = Event
        fields = ("kind", "label", "starts_on", "ends_on", "goes_on")
        field_classes = {"starts_on": DayField, "ends_on": DayField}  # noqa: RUF012  # Django's own shape
        help_texts = {"ends_on": _("Leave empty for a single day, or if it continues.")}  # noqa: RUF012

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.TypedChoiceField)
        kind.choices = [("", _("Choose one")), *Event.Kind.choices]

    def clean_starts_on(self) -> date:
        """Return the first day. Raises ValidationError before the patient's birth or more than a year ahead."""
        return self._within_life(self.cleaned_data["starts_on"])

    def clean_ends_on(self) -> date | None:
        """Return the last day or None. Raises ValidationError before the patient's birth or more than a year ahead."""
        day = self.cleaned_data["ends_on"]
        return None if day is None else self._within_life(day)

    def clean(self) -> dict[str, object]:
        """Return the fields. Adds an error when the last day precedes the first, or when an event with a last day goes on."""
        fields = super().clean()
        start, end = fields.get("starts_on"), fields.get("ends_on")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            self.add_error("ends_on", _("The last day is before the first."))
        if end and fields.get("goes_on"):
            self.add_error("goes_on", _("Clear either the last day or this box."))
        return fields

    def _within_life(self, day: date) -> date:
        if day < self.instance.patient.birth_date:
            raise ValidationError(_("This is before the patient’s date of birth."))
        if day > clinic_today() + MAX_DAYS_AHEAD:
            raise ValidationError(_("This is more than a year ahead. Check the year."))
        return day
