"""What a program sends, as the forms of the pages take it: both are checked and saved by the same form."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from patients.audit.outcome import made, unchanged
from patients.forms.conflicts import ConflictCheckedForm, token_of
from patients.forms.once import save_once, uuid_in
from patients.models import Event, Visit

AnyForm = TypeVar("AnyForm", bound=forms.BaseForm)
Row = TypeVar("Row", Visit, Event)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.UUID,
    OpenApiParameter.HEADER,
    description="Sent again with the same key and words, the request makes nothing new and is answered with 200",
)


def form_data(form: type[forms.ModelForm[Any]], row: Model, sent: Mapping[str, Any]) -> QueryDict:  # Any: what JSON holds
    """Return the data of a form. A field that was not sent keeps what is stored, even if someone changes it at this moment."""
    data = QueryDict(mutable=True)
    for name, field in form.base_fields.items():
        value = sent[name] if name in sent else getattr(row, name)
        if name not in sent:
            data[f"initial-{name}"] = token_of(field, value)
        if value is not None and value is not False:
            data[name] = "on" if value is True else str(value)
    return data


def checked(form: AnyForm) -> AnyForm:
    """Return the valid form. Raises ValidationError with what it says about each field."""
    if not form.is_valid():
        named = {"non_field_errors" if name == NON_FIELD_ERRORS else name: errors for name, errors in form.errors.items()}
        raise ValidationError({name: [str(error) for error in errors] for name, errors in named.items()})
    return form


def added_once(request: Request, form: ConflictCheckedForm[Row], serializer: type[ModelSerializer[Row]]) -> Response:
    """Add the row of a valid form and return it with 201, or with 200 the one that a request with the same key has made."""
    row, is_new = _saved_once(request, form)
    if is_new:
        made(request, row)
    else:
        unchanged(request, is_shown=True)
    return Response(serializer(row).data, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def _saved_once(request: Request, form: ConflictCheckedForm[Row]) -> tuple[Row, bool]:
    """Return the new row of a valid form and True; or the one that a request with the same key has made, and False."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return form.save(), True
    if uuid_in(key) is None:
        raise ValidationError({"Idempotency-Key": [_("This is not a UUID.")]})
    return save_once(form, key)
