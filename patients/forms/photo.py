"""The form that leaves a photo out of summaries."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ExcludeForm(forms.Form):
    """Why a photo is left out."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
