"""The answer to an error that no view caught. Below /api/ it is always JSON."""

import sys
from http import HTTPStatus

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from encryption.seal import SealBroken

RETRY_AFTER_SECONDS = 5


def answer_fault(request: HttpRequest) -> HttpResponse:
    """Answer 503 if the database was locked or unavailable for too long, else 500. The API and scripts get a code.

    Django calls this while the error is handled. The change may have been made, for example if only the session could not be
    saved: so the text does not say that nothing happened.
    """
    error = sys.exception()
    if isinstance(error, SealBroken):
        return answer_broken_seal(request, error.code)
    is_busy = isinstance(error, OperationalError)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_busy else HTTPStatus.INTERNAL_SERVER_ERROR
    response: HttpResponse
    if asks_for_json(request):
        busy = {"code": "busy", "message": _("The database is not responding. Check whether it worked, or try again.")}
        fault = {"code": "fault", "message": _("Something went wrong.")}
        # A script that sends a photo keeps it then, and offers to send it again.
        response = JsonResponse((busy if is_busy else fault) | {"retry": True}, status=status)
    else:
        response = HttpResponse(render_to_string(f"{status.value}.html"), status=status)
    if is_busy:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def answer_broken_seal(request: HttpRequest, code: str) -> HttpResponse:
    """Answer 500 when something stored does not belong where it stands: nothing of it is shown (encryption.seal)."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if asks_for_json(request):
        message = _("Stored data do not belong to this record, or were changed. They are not shown.")
        return JsonResponse({"code": f"seal_{code}", "message": message}, status=status)
    return HttpResponse(render_to_string("seal_broken.html", {"code": code}), status=status)


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400 to a request that cannot be read."""
    if not is_for_api(request):
        return defaults.bad_request(request, exception)
    return JsonResponse({"code": "bad_request", "message": _("This request cannot be read.")}, status=HTTPStatus.BAD_REQUEST)


def answer_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 403."""
    if not is_for_api(request):
        return defaults.permission_denied(request, exception)
    return JsonResponse({"code": "denied", "message": _("You may not do this.")}, status=HTTPStatus.FORBIDDEN)


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404."""
    if not is_for_api(request):
        return defaults.page_not_found(request, exception)
    return JsonResponse({"code": "not_found", "message": _("There is nothing here.")}, status=HTTPStatus.NOT_FOUND)


def asks_for_json(request: HttpRequest) -> bool:
    """Whether the path belongs to the API, or the client accepts JSON."""
    return is_for_api(request) or request.headers.get("Accept") == "application/json"


def is_for_api(request: HttpRequest) -> bool:
    """Whether the path belongs to the API, even where there is nothing."""
    return request.path_info.startswith("/api/")
