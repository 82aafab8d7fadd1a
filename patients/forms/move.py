"""The forms that move photos to another visit, or a visit to another patient."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from patients.forms.days import DayField
from patients.models import Patient, User, Visit
from patients.models.formats import clinic_today, day

NEW = "new"
GONE = _("This patient is no longer in your care. Choose another.")


class MoveVisitForm(forms.Form):
    """The patient to whom a visit is moved."""

    patient = forms.ChoiceField(label=_("Belongs to"), error_messages={"required": _("Choose a patient."), "invalid_choice": GONE})
    keep_duplicate = forms.BooleanField(label=_("Move even if that patient already has one of its photos"), required=False)

    def __init__(self, data: Mapping[str, object] | None, patients: dict[str, Patient], without: Patient) -> None:
        super().__init__(data)
        self.patients = patients
        choices = [(key, _patient_label(patient)) for key, patient in patients.items() if patient.pk != without.pk]
        field = self.fields["patient"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose one")), *choices]

    @property
    def target(self) -> Patient:
        """The chosen patient. The form must be valid."""
        return self.patients[self.cleaned_data["patient"]]


class MovePhotosForm(forms.Form):
    """The misplaced photos, and the visit they belong to: an existing or a new one."""

    photo = forms.MultipleChoiceField(error_messages={"required": _("Choose at least one photo.")})
    visit = forms.ChoiceField(
        label=_("Visit"), error_messages={"required": _("Choose a visit."), "invalid_choice": _("Choose a visit of this patient.")}
    )
    new_date = DayField(label=_("Date of the new visit"), required=False, help_text=_("Leave empty for an existing visit."))
    keep_duplicate = forms.BooleanField(label=_("Also move photos that are in another visit of that patient"), required=False)

    def __init__(
        self, data: Mapping[str, object] | None, source: Visit, photos: list[UUID], patient: Patient, new_date: date | None = None
    ) -> None:
        super().__init__(data, initial={"new_date": new_date})
        self.patient = patient
        visits = patient.visits.exclude(pk=source.pk).order_by("-date", "-created_at").annotate(photo_count=Count("photos"))
        self.visits = {str(visit.pk): visit for visit in visits}
        per_day = Counter(visit.date for visit in self.visits.values())
        choices = [
            (key, day(visit.date) if per_day[visit.date] == 1 else _visit_label(visit)) for key, visit in self.visits.items()
        ]
        photo, visit = self.fields["photo"], self.fields["visit"]
        assert isinstance(photo, forms.MultipleChoiceField)
        assert isinstance(visit, forms.ChoiceField)
        photo.choices = [(str(each), str(each)) for each in photos]
        visit.choices = [("", _("Choose one")), *choices, (NEW, _("A new visit"))]

    def clean(self) -> dict[str, object]:
        """Return the fields. Adds an error when the day of a new visit is missing, in the future or before the birth."""
        fields: dict[str, object] = super().clean() or {}
        if fields.get("visit") == NEW:
            wanted = fields.get("new_date")
            today = clinic_today()
            if wanted is None and "new_date" not in self.errors:
                self.add_error("new_date", _("Enter the date of the new visit."))
            elif wanted is not None and not self.patient.birth_date <= wanted <= today:  # type: ignore[operator]  # a date
                self.add_error("new_date", ValidationError(_("The date must be between the patient’s birth and today.")))
        return fields

    @property
    def is_new(self) -> bool:
        """Whether a new visit was chosen. The form must be valid."""
        return bool(self.cleaned_data["visit"] == NEW)

    def target(self, by: User) -> Visit:
        """Return the chosen visit; creates it as `by` when a new one was chosen. The form must be valid."""
        if not self.is_new:
            return self.visits[self.cleaned_data["visit"]]
        return Visit.objects.create(patient=self.patient, date=self.cleaned_data["new_date"], created_by=by)


def _visit_label(visit: Visit) -> str:
    """Return a label for one of several visits on the same day: day, time of creation and number of photos."""
    count = getattr(visit, "photo_count", 0)
    photos = ngettext("%(n)d photo", "%(n)d photos", count) % {"n": count}
    time = date_format(timezone.localtime(visit.created_at), "TIME_FORMAT")
    return gettext("%(day)s, created at %(time)s, %(photos)s") % {"day": day(visit.date), "time": time, "photos": photos}


def _patient_label(patient: Patient) -> str:
    return f"{patient.name}, {day(patient.birth_date)}, {patient.record_number}"
