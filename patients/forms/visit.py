"""The form of a visit: its day and its note."""

from datetime import date
from typing import ClassVar

from django import forms

from patients.forms.conflicts import ConflictCheckedForm, NoteField
from patients.forms.days import DayField
from patients.forms.patient import visit_day
from patients.models import Visit


class VisitForm(ConflictCheckedForm[Visit]):
    """The day of a visit, with a note."""

    last_wins = ("date",)

    class Meta:
        model = Visit
        fields = ("date", "note")
        field_classes: ClassVar = {"date": DayField, "note": NoteField}
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 5})}

    def clean_date(self) -> date:
        """Return the date. Raises ValidationError when it is in the future or before the patient's birth."""
        return visit_day(self.cleaned_data["date"], self.instance.patient)
