"""How long a session lasts: its idle limit, and twelve hours in any case."""

import time
from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase

from clinic.sessions import SEEN, STARTED
from encryption.fields import keyed_hash
from patients.audit.log import record_access
from patients.models import AccessLog

GetResponse = Callable[[HttpRequest], HttpResponseBase]

ABSOLUTE_SECONDS = 12 * 3600
NOTED_EVERY_SECONDS = 20  # activity is written down this often at most: not every request writes a row
BACKGROUND = "X-Background"  # static/js/idle.js marks with it what a page asks for by itself


def seconds_left(request: HttpRequest) -> int:
    """Return how long the session lasts if nobody acts; 0 or less when it is over."""
    now = int(time.time())
    idle_at = request.session.get(SEEN, 0) + 60 * getattr(request.user, "idle_minutes", 0)
    return int(min(idle_at, request.session.get(STARTED, 0) + ABSOLUTE_SECONDS)) - now


def user_mark(request: HttpRequest) -> str:
    """Return letters that stand for who is signed in, and say nothing: an old page tells by them that it is somebody else's."""
    return keyed_hash(f"page of {request.user.pk}".encode())[:16]


def is_background(request: HttpRequest) -> bool:
    """Whether a page asked by itself: a card that polls, or a picture that came with one. It does not keep a session alive."""
    return BACKGROUND in request.headers or request.headers.get("Sec-Fetch-Dest") == "image"


def note_activity(request: HttpRequest) -> None:
    """Let the idle limit count from now."""
    now = int(time.time())
    if now - request.session.get(SEEN, 0) >= NOTED_EVERY_SECONDS:
        request.session[SEEN] = now


class SessionLimits:
    """End a session that is over, note activity in one that is not, and have the browser forget what it kept after sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        was_signed_in = request.user.is_authenticated
        if was_signed_in and seconds_left(request) <= 0:
            record_access(request, AccessLog.Action.SIGN_OUT, by="time")
            logout(request)
        elif was_signed_in and not is_background(request):
            note_activity(request)
        is_signed_in = request.user.is_authenticated
        setattr(request, "seconds_left", seconds_left(request) if is_signed_in else 0)  # noqa: B010  # ours
        setattr(request, "user_mark", user_mark(request) if is_signed_in else "")  # noqa: B010  # likewise
        response = self.get_response(request)
        if was_signed_in and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response
