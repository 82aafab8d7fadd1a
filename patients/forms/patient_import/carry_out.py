"""Adds and changes patients as a person has chosen for each row of a file."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from patients.audit.log import record_access
from patients.care.patients import add_patient
from patients.care.record_numbers import NumberTaken
from patients.forms.patient_import.checks import BadRow, born
from patients.forms.patient_import.read import state_of, why_taken
from patients.models import AccessLog, Patient, PatientImport, User
from patients.models.patient_import import FoundPatient

ADD, UPDATE = "add", "update"
CHANGED = ("name", "birth_date", "sex")


def carry_out(pk: UUID, choices: Mapping[int, str], request: HttpRequest) -> None:
    """Do what was chosen for each row, by its place in the list; what was not chosen is left out. Done once, it does nothing.

    A row that cannot be carried out any more gets a code; the others are carried out.
    """
    with transaction.atomic():
        batch = PatientImport.objects.select_for_update().get(pk=pk)
        if batch.finished_at:
            return
        batch.found = [_carried_out(row, choices.get(place, ""), request) for place, row in enumerate(batch.found)]
        batch.finished_at = timezone.now()
        batch.save(update_fields=["rows", "finished_at"])


def difference(row: FoundPatient, patient: Patient) -> dict[str, object]:
    """Return what the row would change, with the new values. A file that says nothing of the sex leaves it."""
    wanted = {"name": row.name, "birth_date": date.fromisoformat(row.birth_date), "sex": row.sex or patient.sex}
    return {name: value for name, value in wanted.items() if getattr(patient, name) != value}


def _carried_out(row: FoundPatient, choice: str, request: HttpRequest) -> FoundPatient:
    if row.code:
        return row
    try:
        if row.patient:
            return _updated(row, request) if choice == UPDATE else _emptied(row, "left_out")
        return _added(row, request) if choice == ADD else replace(row, outcome="left_out")
    except BadRow as bad:
        return replace(row, code=bad.code)


def _added(row: FoundPatient, request: HttpRequest) -> FoundPatient:
    born(date.fromisoformat(row.birth_date))
    patient = Patient(name=row.name, record_number=row.record_number, birth_date=date.fromisoformat(row.birth_date), sex=row.sex)
    try:
        add_patient(patient, request, from_file=True)
    except NumberTaken:
        raise BadRow(why_taken(row.record_number, request)) from None
    return _emptied(replace(row, patient=str(patient.pk)), "added")


def _updated(row: FoundPatient, request: HttpRequest) -> FoundPatient:
    assert isinstance(request.user, User)
    patient = Patient.objects.in_care_of(request.user).select_for_update(no_key=True).filter(pk=row.patient).first()
    if patient is None:
        raise BadRow("gone")
    if state_of(patient) != row.seen:
        raise BadRow("changed")
    born(date.fromisoformat(row.birth_date), patient)
    for name, value in difference(row, patient).items():
        setattr(patient, name, value)
    patient.save(update_fields=CHANGED)
    record_access(request, AccessLog.Action.EDIT, patient, page="patient_import")
    return _emptied(row, "updated")


def _emptied(row: FoundPatient, outcome: str) -> FoundPatient:
    """Return the row without what the record of the patient holds now, and what an erasure would not find here."""
    return FoundPatient(row.line, patient=row.patient, outcome=outcome)
