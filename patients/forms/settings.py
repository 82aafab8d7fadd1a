"""The form of a user's own settings."""

import zoneinfo
from functools import cache
from typing import ClassVar

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.forms.widgets import LongSelect
from patients.models import User


class SettingsForm(forms.ModelForm[User]):
    """Language, appearance, time zone, idle limit and shortcuts of one user.

    Their name is none of it: the access log shows it, so administrators set it.
    """

    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, widget=LongSelect)
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ("language", "theme", "time_zone", "idle_minutes", "has_shortcuts")
        labels: ClassVar = {"idle_minutes": _("Sign out after inactivity (minutes)")}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        clinic = _("Same as clinic (%(zone)s)") % {"zone": timezone.get_default_timezone_name()}
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", clinic), *((zone, zone.replace("_", " ")) for zone in _zones())]
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("Same as browser")), *settings.LANGUAGES]


@cache
def _zones() -> list[str]:
    """Return the names of the time zones in order. Reading them takes ten milliseconds."""
    return sorted(zoneinfo.available_timezones())
