"""The API's errors: `{"code", "message"}`, with `fields` when some of them are invalid."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from patients.photos.codes import RejectedPhoto


class Refused(APIException):
    """The request is right, but what it asks for cannot be done now. `code` says why."""

    status_code = status.HTTP_409_CONFLICT


class ErrorSerializer(serializers.Serializer[Any]):  # Any: no row behind it
    """Every error. Programs read `code`; `message` is a sentence for people, in the language that the request accepts."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.ListField(), required=False)  # type: ignore[assignment]  # a field of this name
    retry = serializers.BooleanField(required=False, help_text="Whether the same request may succeed later")
    detail = serializers.DictField(required=False, help_text="Measured facts about a refused photo")


def refusal(words: str) -> OpenApiResponse:
    """Return the description of an error."""
    return OpenApiResponse(ErrorSerializer, words)


def answer(error: Exception, context: dict[str, Any]) -> Response | None:  # Any: the framework's own signature
    """Return the response to a known error; None for any other exception, which Django then logs as a fault."""
    if isinstance(error, RejectedPhoto):
        return Response(error.as_json() | {"detail": error.detail}, status=error.row.status, headers=error.headers)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.data = {"code": "invalid", "message": _("Some fields are not right."), "fields": response.data}
    elif isinstance(error, APIException):
        response.data = {"code": str(error.get_codes()), "message": str(error.detail)}
    else:
        is_missing = response.status_code == status.HTTP_404_NOT_FOUND
        response.data = {
            "code": "not_found" if is_missing else "denied",
            "message": _("There is nothing here.") if is_missing else _("You may not do this."),
        }
    return response
