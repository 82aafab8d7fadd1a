"""The form that leaves photos out of summaries."""

from django import forms
from django.utils.translation import gettext_lazy as _

TOO_LONG = _("A reason can have at most 200 characters. Nothing was excluded.")


class ExcludeForm(forms.Form):
    """Why photos are left out."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
