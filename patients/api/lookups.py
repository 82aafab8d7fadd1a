"""What an address names, if the caller may see it. Anything else is a 404."""

from typing import TypeVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from patients.api.permission import signed_in
from patients.models import Event, Patient, Photo, Visit

Row = TypeVar("Row", Patient, Visit, Photo, Event)


def visible(model: type[Row], request: Request, pk: UUID) -> Row:
    """Return the row of a patient whom the caller sees, else 404."""
    return get_object_or_404(model.objects.sought_by(signed_in(request)), pk=pk)
