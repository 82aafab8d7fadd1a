"""The form of a patient, and the checks of a date of birth and of a visit's day."""

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Min
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from patients.care.patients import add_patient
from patients.care.record_numbers import TAKEN, TOO_MANY, NumberTaken, TooManyTries, is_taken, one_number_each
from patients.forms.conflicts import ConflictCheckedForm
from patients.forms.days import DayField
from patients.forms.names import TypedNameField, typed_number
from patients.models import Patient
from patients.models.formats import clinic_today, day

NAME_MAX_LENGTH, RECORD_NUMBER_MAX_LENGTH = 200, 60
EARLIEST_BIRTH = date(1900, 1, 1)


def birth_day(born: date, patient: Patient | None = None) -> date:
    """Return the date of birth.

    Raises ValidationError when it is in the future, before 1900, or after the first visit or event of `patient`.
    """
    if born > clinic_today():
        raise ValidationError(_("A date of birth cannot be in the future."), code="born_in_future")
    if born < EARLIEST_BIRTH:
        raise ValidationError(_("This date of birth is too long ago. Check the year."), code="born_too_early")
    first = None if patient is None else first_day_of(patient)
    if first is not None and born > first:
        words = _("This patient’s record begins on %(day)s, before this date of birth.") % {"day": day(first)}
        raise ValidationError(words, code="born_after_first_day")
    return born


def first_day_of(patient: Patient) -> date | None:
    """Return the day of the patient's first visit or event; None when there is neither."""
    visits = patient.visits.aggregate(first=Min("date"))["first"]
    events = patient.events.aggregate(first=Min("starts_on"))["first"]
    return min((each for each in (visits, events) if each is not None), default=None)


def visit_day(day: date, patient: Patient) -> date:
    """Return the day of a visit. Raises ValidationError when it is in the future or before the patient's birth."""
    if day > clinic_today():
        raise ValidationError(_("A visit cannot be in the future."))
    if day < patient.birth_date:
        raise ValidationError(_("This is before the patient’s date of birth."))
    return day


class PatientForm(ConflictCheckedForm[Patient]):
    """Name, date of birth, record number and, if the clinic records it, sex."""

    name = TypedNameField(label=_("Name"), max_length=NAME_MAX_LENGTH)
    record_number = forms.CharField(
        label=_("Record number"), max_length=RECORD_NUMBER_MAX_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    sex = forms.ChoiceField(
        label=_("Sex as recorded"),
        required=False,
        choices=[("", _("Not recorded")), *Patient.Sex.choices],
        help_text=_("For studies."),
    )

    class Meta:
        model = Patient
        fields = ("name", "birth_date", "record_number", "sex")
        field_classes = {"birth_date": DayField}  # noqa: RUF012  # Django's own shape

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_birth_date(self) -> date:
        """Return the date of birth. Raises ValidationError as `birth_day` does."""
        return birth_day(self.cleaned_data["birth_date"], None if self.instance._state.adding else self.instance)

    def clean_record_number(self) -> str:
        """Return the record number, which no other patient has."""
        number = typed_number(self.cleaned_data["record_number"])
        try:
            if is_taken(number, self.request, self.instance):
                raise ValidationError(TAKEN)
        except TooManyTries:
            raise ValidationError(TOO_MANY) from None
        return number

    def save(self, commit: bool = True) -> Patient:
        """Return the saved patient; a new one is assigned to the signed-in user. Raises NumberTaken."""
        if self.is_new:
            return add_patient(self.instance, self.request)
        with one_number_each():
            return super().save(commit)

    def saved(self) -> Patient | None:
        """Return the saved patient; None, with a field error, when someone else has just taken the record number."""
        try:
            return self.save()
        except NumberTaken:
            self.add_error("record_number", TAKEN)
            return None
