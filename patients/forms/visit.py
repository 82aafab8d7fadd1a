"""The forms of a visit: its day, and its note."""

from datetime import date

from django import forms

from patients.forms.patient import visit_day
from patients.forms.widgets import DateInput
from patients.models import Visit


class VisitForm(forms.ModelForm[Visit]):
    """The day of a visit, with a note."""

    class Meta:
        model = Visit
        fields = ("date", "note")
        widgets = {"date": DateInput(), "note": forms.Textarea(attrs={"rows": 5})}  # noqa: RUF012  # Django's own shape

    def clean_date(self) -> date:
        """Return the date, which lies in the patient's life and is not to come."""
        return visit_day(self.cleaned_data["date"], self.instance.patient)


class NoteForm(forms.ModelForm[Visit]):
    """The note of a visit alone."""

    class Meta:
        model = Visit
        fields = ("note",)
        widgets = {"note": forms.Textarea(attrs={"rows": 5})}  # noqa: RUF012  # Django's own shape
