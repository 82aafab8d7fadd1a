"""What a report on paper is to hold."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import Patient

PERIODS = [("all", gettext_lazy("All visits")), ("year", gettext_lazy("Last 12 months")), ("half", gettext_lazy("Last 6 months"))]
PAPERS = [("a4", "A4"), ("letter", gettext_lazy("US letter"))]
READERS = [("record", gettext_lazy("For the record")), ("patient", gettext_lazy("For the patient, in simpler words"))]


class ReportForm(forms.Form):
    """For whom, over which time, on which paper and under which name. A report of one visit has paper and name alone."""

    reader = forms.ChoiceField(label=gettext_lazy("Report"), choices=READERS)
    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=PERIODS)
    paper = forms.ChoiceField(label=gettext_lazy("Paper"), choices=PAPERS)
    number = forms.ChoiceField(label=gettext_lazy("Identity"), required=False)
    all_visits = forms.BooleanField(label=gettext_lazy("Second page: all visits"), required=False)

    def __init__(self, patient: Patient, sent: Mapping[str, str] | None = None, of_visit: bool = False) -> None:
        super().__init__(sent, initial={"reader": "record", "period": "all", "paper": "a4"})
        number = self.fields["number"]
        assert isinstance(number, forms.ChoiceField)
        taking_part = patient.participations.filter(withdrawn_at=None).select_related("study")
        text = _("Study number only: %(number)s, %(study)s")
        number.choices = [
            ("", _("Name, birth date, record number")),
            *((each.number, text % {"number": each.number, "study": each.study.name}) for each in taking_part),
        ]
        if of_visit:
            for name in ("reader", "period", "all_visits"):
                del self.fields[name]
