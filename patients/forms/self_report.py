"""The form of what a patient says of themself at one visit."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models import SelfReport, Visit
from patients.models.self_report import MOST

MOODS = [(str(value), str(value)) for value in range(MOST["mood"] + 1)]


class SelfReportForm(forms.ModelForm[SelfReport]):
    """Mood, PHQ-9 and GAD-7. Nothing is filled in beforehand: an answer nobody gave is no answer."""

    mood = forms.TypedChoiceField(
        label=_("Mood, 0 low to 10 high"), choices=MOODS, required=False, coerce=int, empty_value=None, widget=forms.RadioSelect
    )

    class Meta:
        model = SelfReport
        fields = ("mood", "phq9", "gad7")
        error_messages = {  # noqa: RUF012  # Django's own shape
            "phq9": {"max_value": _("PHQ-9 goes from 0 to 27."), "invalid": _("PHQ-9 is a whole number from 0 to 27.")},
            "gad7": {"max_value": _("GAD-7 goes from 0 to 21."), "invalid": _("GAD-7 is a whole number from 0 to 21.")},
        }

    @property
    def loaded(self) -> list[tuple[str, str]]:
        """Return each answer as the page shows it. The form sends them along, to tell what was changed in it."""
        answers = ((name, getattr(self.instance, name)) for name in MOST)
        return [(name, "" if answer is None else str(answer)) for name, answer in answers]

    def save(self, commit: bool = True) -> SelfReport:
        """Return the saved report, with the moment of saving. Of a stored one only the answers that were changed here.

        An older page shows what a colleague has changed meanwhile as it was, and must not put it back.
        """
        self.instance.saved_at = timezone.now()
        if not commit or self.instance.pk is None:
            return super().save(commit)
        changed = [name for name in MOST if self.data.get(f"loaded-{name}") != self.data.get(name, "")]
        self.instance.save(update_fields=[*changed, "saved_at"])
        return self.instance


def report_of(visit: Visit) -> SelfReport:
    """Return the self-report of the visit, a new empty one if there is none yet. One query."""
    return SelfReport.objects.filter(visit=visit).first() or SelfReport(visit=visit)
