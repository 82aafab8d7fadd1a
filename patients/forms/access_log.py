"""The filters of the access log. They are read from the address, and a filter that cannot be read is none."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.forms.days import DayField
from patients.models import AccessLog, Patient, User
from patients.models.access import AccessLogQuerySet
from patients.models.formats import day
from patients.models.names import by_name

Action = AccessLog.Action
SYSTEM = "system"
EMERGENCY = "emergency"
KINDS = {
    "viewed": (_("Viewed"), (Action.VIEW, Action.LIST, Action.IMAGE, Action.EXPLAIN)),
    "changed": (
        _("Added or changed"),
        (
            *(Action.ADD, Action.UPLOAD, Action.EDIT, Action.MOVE, Action.EXCLUDE, Action.INCLUDE),
            *(Action.CHOOSE_FACE, Action.RETRY, Action.DISMISS, Action.LABEL),
        ),
    ),
    "exported": (_("Exported"), (Action.EXPORT,)),
    "consent": (_("Consent"), (Action.CONSENT, Action.WITHDRAW)),
    "access": (_("Changed access"), (Action.PERMISSION, Action.TRY_NUMBER)),
    "erased": (_("Deleted or erased"), (Action.DELETE, Action.ERASE, Action.ERASE_STOPPED, Action.ERASED)),
}
ACTIONS = [("", _("All actions")), *((key, name) for key, (name, _actions) in KINDS.items()), (EMERGENCY, _("Emergency access"))]


class AccessLogForm(forms.Form):
    """Whose entries, of which kind, of which days, and how they are shown."""

    person = forms.ChoiceField(label=_("Person"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False, choices=ACTIONS)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)
    images = forms.BooleanField(label=_("Show image views"), required=False)

    def __init__(self, asked: QueryDict, patient: Patient) -> None:
        super().__init__(asked)
        self.entries = AccessLog.objects.about(patient)
        # The page has a hidden field before the checkbox: an unchecked box sends nothing.
        self.is_grouped = asked.get("group") != "no"
        actors = set(self.entries.order_by().values_list("actor_id", flat=True).distinct())
        people = by_name(User.objects.filter(pk__in=actors), lambda user: user.display_name)
        choices = [("", _("Everyone")), *((str(user.pk), user.display_name) for user in people)]
        if None in actors:
            choices.append((SYSTEM, "Affectline"))
        person = self.fields["person"]
        assert isinstance(person, forms.ChoiceField)
        person.choices = choices
        self.full_clean()

    def filtered(self) -> AccessLogQuerySet:
        """Return the entries that fit, newest first."""
        told, found = self.cleaned_data, self.entries
        if person := told.get("person"):
            found = found.filter(actor=None if person == SYSTEM else int(person))
        if told.get("action") == EMERGENCY:
            found = found.filter(Q(detail__has_key="glass") | Q(action=Action.BREAK_GLASS))
        elif action := told.get("action"):
            found = found.filter(action__in=KINDS[action][1])
        if not told.get("images"):
            found = found.without_pictures()
        if since := told.get("since"):
            found = found.filter(at__gte=_midnight(since))
        if until := told.get("until"):
            found = found.filter(at__lt=_midnight(until + timedelta(days=1)))
        return found

    @property
    def in_words(self) -> list[str]:
        """The filters in use, as paper shows them."""
        told, words = self.cleaned_data, []
        for name in ("person", "action"):
            field = self.fields[name]
            if told.get(name) and isinstance(field, forms.ChoiceField):
                words.append(f"{field.label}: {dict(field.choices)[told[name]]}")  # type: ignore[arg-type]  # a flat list
        words += [f"{self.fields[name].label}: {day(told[name])}" for name in ("since", "until") if told.get(name)]
        return words + [str(self.fields["images"].label)] * bool(told.get("images"))


def _midnight(value: date) -> datetime:
    return timezone.make_aware(datetime.combine(value, time.min))
