"""The forms of a photo: its note, and why it is left out."""

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.models import Photo


class PhotoNoteForm(forms.ModelForm[Photo]):
    """The note of a photo."""

    class Meta:
        model = Photo
        fields = ("note",)


class ExcludeForm(forms.Form):
    """Why a photo is left out."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)
