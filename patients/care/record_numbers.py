"""Whether a record number is taken, without letting anyone find patients by trying numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.core import ratelimit
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from patients.audit.log import record_access
from patients.models import AccessLog, Patient, User
from patients.models.patient import record_number_hash

TAKEN = _("A patient with this record number already exists. Ask to be assigned, or check the number.")
TOO_MANY = _("Too many record numbers of other patients were entered. Try again in an hour.")


class NumberTaken(Exception):
    """Someone gave another patient this record number a moment ago."""


class TooManyTries(Exception):
    """The user entered the numbers of too many patients they may not see. For the rest of the hour no number is checked."""


def is_taken(number: str, request: HttpRequest | Request, own: Patient | None = None) -> bool:
    """Return whether a patient other than `own` has the number.

    If the user may not see that patient, the access log records it, and it counts towards the limit. Raises TooManyTries.
    """
    user = request.user
    assert isinstance(user, User)
    if own is not None and own.record_number_hash == record_number_hash(number):
        return False
    if not may_try(request):
        raise TooManyTries
    patient = Patient.objects.with_record_number(number).first()
    if patient is not None and not Patient.objects.sought_by(user).filter(pk=patient.pk).exists():
        ratelimit.consume(request, action="record_number", user=user)
        record_access(request, AccessLog.Action.TRY_NUMBER, patient)
    return patient is not None


def may_try(request: HttpRequest | Request) -> bool:
    """Whether the user may enter another number."""
    return bool(ratelimit.consume(request, action="record_number", user=request.user, dry_run=True))


@contextmanager
def one_number_each() -> Iterator[None]:
    """Save a patient, and what belongs to it, or nothing. Raises NumberTaken when the database finds the number taken after all."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise NumberTaken from None
