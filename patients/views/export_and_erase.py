"""The patient's rights: a copy of all data, and its erasure."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from patients.accounts.proof import password_before_page
from patients.care.banner import banner_of
from patients.consent.erasure import ask_for_erasure
from patients.models import ErasureRequest, Patient
from patients.models.patient import record_number_hash
from patients.reports.patient_zip import zip_response
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, render_form

Level = ErasureRequest.Level
WHAT_STAYS = {
    Level.IMAGES: gettext_lazy("The values read from them stay in the record."),
    Level.ANONYMISE: gettext_lazy("The values stay, with no link to the patient."),
    Level.ALL: gettext_lazy("Only the access log stays, under a pseudonym."),
}


class ErasureForm(forms.Form):
    """What to erase. The user confirms the patient by typing the record number again."""

    level = forms.ChoiceField(
        label=gettext_lazy("What to erase"), choices=Level.choices, widget=forms.RadioSelect(attrs={"class": "option"})
    )
    record_number = forms.CharField(
        label=gettext_lazy("Record number, to confirm"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, patient: Patient, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # passed through as they came
        self.patient = patient
        self.fields["level"].choices = [  # type: ignore[attr-defined]  # Django's types know a Field here
            (level, format_html('{}<span class="sub">{}</span>', level.label, stays)) for level, stays in WHAT_STAYS.items()
        ]

    def clean_record_number(self) -> str:
        """Return the number. Raises ValidationError if it is not the patient's."""
        number: str = self.cleaned_data["record_number"]
        if record_number_hash(number) != self.patient.record_number_hash:
            raise ValidationError(_("This is not this patient’s record number."))
        return number


@require_GET
def send_patient_zip(request: ClinicianRequest, patient_id: UUID) -> StreamingHttpResponse:
    """Send a ZIP file with everything that is stored about the patient."""
    return zip_response(find_patient(request, patient_id))


@require_http_methods(["GET", "POST"])
@password_before_page
def erase_patient(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Queue the erasure of pictures, names or everything. It cannot be undone, and there is no second confirmation."""
    patient = find_patient(request, patient_id)
    form = ErasureForm(patient, request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask_for_erasure(patient, form.cleaned_data["level"], request.user, request)
        messages.success(request, _("Erasure started. It takes a minute or two."))
        return redirect("patients:list")
    return render_form(
        request, "patients/erase.html", banner_of(patient) | {"form": form, "erasure": ErasureRequest.objects.open_for(patient)}
    )
