"""A new patient, added on a page or by a program."""

from django.http import HttpRequest
from rest_framework.request import Request

from patients.audit.log import record_access
from patients.care.record_numbers import one_number_each
from patients.models import AccessLog, Patient, User


def add_patient(patient: Patient, request: HttpRequest | Request, *, from_file: bool = False) -> Patient:
    """Return the patient, saved, assigned to who added them, with the entry in the access log. Raises NumberTaken."""
    assert isinstance(request.user, User)
    with one_number_each():
        patient.save()
        patient.assign(request.user)
        if from_file:
            record_access(request, AccessLog.Action.ADD, patient, new=True, file=True)
        else:
            record_access(request, AccessLog.Action.ADD, patient, new=True)
    return patient
