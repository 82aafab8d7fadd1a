"""What to export as CSV: which table, which days, and how it is written. Read from the address."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.forms.days import DayField

PHOTOS = "photos"
TABLES = [
    (PHOTOS, gettext_lazy("Photos: one line per photo")),
    ("visits", gettext_lazy("Visits: means, intervals, usual range and self-report")),
    ("events", gettext_lazy("Events")),
]


class ExportForm(forms.Form):
    """A table, two days (included) and a dialect. An address that names no table asks for the photos."""

    table = forms.ChoiceField(label=gettext_lazy("Table"), required=False, choices=TABLES, widget=forms.RadioSelect)
    since = DayField(label=gettext_lazy("From"), required=False)
    until = DayField(label=gettext_lazy("To"), required=False)
    dialect = forms.ChoiceField(label=gettext_lazy("Separator and decimal sign"), required=False)

    def __init__(self, asked: QueryDict, dialects: list[tuple[str, str]]) -> None:
        super().__init__({"table": PHOTOS} | asked.dict())
        field = self.fields["dialect"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = dialects

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day."""
        return self.cleaned_data["since"], self.cleaned_data["until"]

    def clean(self) -> dict[str, Any]:  # Any: Django's own
        """Return what was asked. Raises ValidationError for days in the wrong order."""
        asked: dict[str, Any] = self.cleaned_data
        since, until = asked.get("since"), asked.get("until")
        if since and until and since > until:
            raise ValidationError(_("The first day is after the last."))
        return asked
