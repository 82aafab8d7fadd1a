"""The API's errors: `{"code", "message"}`, with `fields` when some of them are invalid."""

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from patients.photos.codes import RejectedPhoto


class NotReadable(APIException):
    """The photo cannot be re-analysed: its picture was erased, or the consent to care has ended."""

    status_code = status.HTTP_409_CONFLICT


def answer(error: Exception, context: dict[str, Any]) -> Response | None:  # Any: the framework's own signature
    """Return the response to a known error; None for any other exception, which Django then logs as a fault."""
    if isinstance(error, RejectedPhoto):
        return Response(error.as_json() | {"detail": error.detail}, status=error.row.status)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.data = {"code": "invalid", "message": "Some fields are not right.", "fields": response.data}
    elif isinstance(error, APIException):
        response.data = {"code": str(error.get_codes()), "message": str(error.detail)}
    else:
        is_missing = response.status_code == status.HTTP_404_NOT_FOUND
        response.data = {
            "code": "not_found" if is_missing else "denied",
            "message": str(error) or ("There is nothing here." if is_missing else "You may not do this."),
        }
    return response
