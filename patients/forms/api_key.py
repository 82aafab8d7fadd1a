"""The form of a new API key."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from patients.models import ApiToken
from patients.models.token import DAYS, MOST_DAYS

CHOICES = (30, DAYS, 180, MOST_DAYS)


class ApiKeyForm(forms.ModelForm[ApiToken]):
    """What a key is for, what it may do and how long."""

    days = forms.TypedChoiceField(label=_("Valid for"), coerce=int, initial=DAYS)

    class Meta:
        model = ApiToken
        fields = ("name", "scope")
        labels = {"name": _("Name of the program"), "scope": _("What it may do")}  # noqa: RUF012  # Django's own shape

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        self.fields["name"].required = True
        days = self.fields["days"]
        assert isinstance(days, forms.ChoiceField)
        days.choices = [(n, ngettext("%(n)d day", "%(n)d days", n) % {"n": n}) for n in CHOICES]
