"""Forms of the pages, apart from uploads."""

import zoneinfo
from datetime import date

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models import Patient, Photo, User, Visit
from patients.record_numbers import TooManyTries, is_taken
from patients.today import clinic_today

EARLIEST_BIRTH = date(1900, 1, 1)


class DateInput(forms.DateInput):
    """The browser's own date field, in its own date order."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def birth_day(born: date) -> date:
    """Return the date of birth. Raises ValidationError when it is to come, or further back than anybody lives."""
    if born > clinic_today():
        raise ValidationError(_("A date of birth cannot lie in the future."))
    if born < EARLIEST_BIRTH:
        raise ValidationError(_("This date of birth is too long ago. Check the year."))
    return born


def visit_day(day: date, patient: Patient) -> date:
    """Return the day of a visit. Raises ValidationError when it is to come or lies before the patient's birth."""
    if day > clinic_today():
        raise ValidationError(_("A visit cannot lie in the future."))
    if day < patient.birth_date:
        raise ValidationError(_("This day comes before the patient was born."))
    return day


class PatientForm(forms.ModelForm[Patient]):
    """Name, date of birth and record number."""

    TAKEN = _("A patient with this record number exists already. Ask to be assigned, or check the number.")
    TOO_MANY = _("Too many record numbers of other patients were entered. Try again in an hour.")

    class Meta:
        model = Patient
        fields = ("name", "birth_date", "record_number")
        widgets = {  # noqa: RUF012  # Django's own shape
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "birth_date": DateInput(),
            "record_number": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        self.request = request

    def clean_birth_date(self) -> date:
        """Return the date of birth, which has passed, and not in the year 202 that a slip makes of 2020."""
        return birth_day(self.cleaned_data["birth_date"])

    def clean_record_number(self) -> str:
        """Return the record number, which no other patient has."""
        number = str(self.cleaned_data["record_number"]).strip()
        try:
            if is_taken(number, self.request, self.instance):
                raise ValidationError(self.TAKEN)
        except TooManyTries:
            raise ValidationError(self.TOO_MANY) from None
        return number

    def saved(self) -> Patient | None:
        """Return the saved patient; None, with the error in its place, when somebody was faster with the record number."""
        try:
            with transaction.atomic():
                return self.save()
        except IntegrityError:
            self.add_error("record_number", self.TAKEN)
            return None


class VisitForm(forms.ModelForm[Visit]):
    """The day of a visit, with a note."""

    class Meta:
        model = Visit
        fields = ("date", "note")
        widgets = {"date": DateInput(), "note": forms.Textarea(attrs={"rows": 5})}  # noqa: RUF012  # Django's own shape

    def clean_date(self) -> date:
        """Return the date, which lies in the patient's life and is not to come."""
        return visit_day(self.cleaned_data["date"], self.instance.patient)


class NoteForm(forms.ModelForm[Visit]):
    """The note of a visit alone."""

    class Meta:
        model = Visit
        fields = ("note",)
        widgets = {"note": forms.Textarea(attrs={"rows": 5})}  # noqa: RUF012  # Django's own shape


class PhotoNoteForm(forms.ModelForm[Photo]):
    """The note of a photo."""

    class Meta:
        model = Photo
        fields = ("note",)


class ExcludeForm(forms.Form):
    """Why a photo is left out."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class SettingsForm(forms.ModelForm[User]):
    """How pages look to one clinician."""

    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ("display_name", "language", "theme", "time_zone", "idle_minutes", "has_shortcuts")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        zones = sorted(zoneinfo.available_timezones())
        clinic = _("As the clinic (%(zone)s)") % {"zone": timezone.get_default_timezone_name()}
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", clinic), *((zone, zone.replace("_", " ")) for zone in zones)]
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("As the browser")), *settings.LANGUAGES]
