"""The form of a patient's self-report at one visit."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.forms.conflicts import ConflictCheckedForm
from patients.models import SelfReport, Visit
from patients.models.self_report import MOST

WRONG = {"mood": _("Mood must be 0 to 10"), "phq9": _("PHQ-9 must be 0 to 27"), "gad7": _("GAD-7 must be 0 to 21")}
"""What stands at a field whose answer cannot be."""
MOODS = [(str(value), str(value)) for value in range(MOST["mood"] + 1)]


class SelfReportForm(ConflictCheckedForm[SelfReport]):
    """Mood, PHQ-9 and GAD-7. No field has a default: it would pass for the patient's answer."""

    is_autosaved = True
    last_wins = tuple(MOST)
    also_written = ("saved_at",)
    wrong = WRONG

    mood = forms.TypedChoiceField(
        label=_("Mood, 0 low to 10 high"),
        choices=MOODS,
        required=False,
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": WRONG["mood"]},
    )

    class Meta:
        model = SelfReport
        fields = ("mood", "phq9", "gad7")
        error_messages = {  # noqa: RUF012  # Django's own shape
            name: dict.fromkeys(("max_value", "min_value", "invalid"), WRONG[name]) for name in ("phq9", "gad7")
        }

    def save(self, commit: bool = True) -> SelfReport:
        """Return the saved report, with the time of saving."""
        self.instance.saved_at = timezone.now()
        return super().save(commit)


def report_of(visit: Visit) -> SelfReport:
    """Return the self-report of the visit, or a new, unsaved one. One query unless it was read with the visit."""
    return getattr(visit, "self_report", None) or SelfReport(visit=visit)
