"""How long a session lasts: until its idle limit, and at most twelve hours."""

import time
from collections.abc import Callable
from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase

from clinic.sessions import SEEN, STARTED
from encryption.keys import keyed_hash
from patients.audit.log import record_access
from patients.models import AccessLog
from patients.views.requests import LimitedRequest

GetResponse = Callable[[HttpRequest], HttpResponseBase]

ABSOLUTE_SECONDS = 12 * 3600
ACTIVITY_INTERVAL_SECONDS = 20  # so that not every request writes to the database
BACKGROUND = "X-Background"  # static/js/idle.js sets it on requests that no user made


def seconds_left(request: HttpRequest) -> int:
    """Return how long the session lasts without activity; 0 or less if it is over."""
    now = int(time.time())
    idle_at = request.session.get(SEEN, 0) + 60 * getattr(request.user, "idle_minutes", 0)
    return int(min(idle_at, request.session.get(STARTED, 0) + ABSOLUTE_SECONDS)) - now


def user_mark(request: HttpRequest) -> str:
    """Return a keyed hash of the signed-in user, by which an open page notices that another user has signed in."""
    return keyed_hash("owners of pages", str(request.user.pk).encode())[:16]


def is_background(request: HttpRequest) -> bool:
    """Whether a page sent the request by itself: a poll, or an image. That does not keep a session alive."""
    return BACKGROUND in request.headers or request.headers.get("Sec-Fetch-Dest") == "image"


def record_activity(request: HttpRequest) -> None:
    """Restart the idle limit."""
    now = int(time.time())
    if now - request.session.get(SEEN, 0) >= ACTIVITY_INTERVAL_SECONDS:
        request.session[SEEN] = now


class SessionLimits:
    """End expired sessions, record activity in the others, and clear the browser's data after sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        was_signed_in = request.user.is_authenticated
        if was_signed_in and seconds_left(request) <= 0:
            record_access(request, AccessLog.Action.SIGN_OUT, by="time")
            logout(request)
        elif was_signed_in and not is_background(request):
            record_activity(request)
        is_signed_in = request.user.is_authenticated
        limited = cast(LimitedRequest, request)
        limited.seconds_left = seconds_left(request) if is_signed_in else 0
        limited.user_mark = user_mark(request) if is_signed_in else ""
        response = self.get_response(request)
        if was_signed_in and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response
