"""Every error of the API as `{"code", "message"}`, and the fields that are wrong where there are any."""

from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from patients.photos.codes import RejectedPhoto


class NotReadable(APIException):
    """The photo cannot be read again: its picture was erased, or the consent to care has ended."""

    status_code = status.HTTP_409_CONFLICT


def answer(error: Exception, context: dict[str, Any]) -> Response | None:  # Any: the framework's own signature
    """Return the answer for an error that the framework knows; None for a fault, which is then logged as such."""
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
