"""The form of a clinician's own label."""

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.models import OwnLabel
from patients.models.own_label import LABELS


class OwnLabelForm(forms.ModelForm[OwnLabel]):
    """A label and a remark. The instance brings the photo and the clinician."""

    label = forms.ChoiceField(
        choices=LABELS, error_messages={"required": _("Choose a label first."), "invalid_choice": _("Choose one of the labels.")}
    )
    remark = forms.CharField(max_length=200, required=False)

    class Meta:
        model = OwnLabel
        fields = ("label", "remark")
