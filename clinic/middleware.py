"""What every request meets before its view, and what every answer has in common."""

import ipaddress
import zoneinfo
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model, update_session_auth_hash
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

GetResponse = Callable[[HttpRequest], HttpResponseBase]

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via")
# Where somebody without a second factor can go: to get one, or out.
OPEN_WITHOUT_FACTOR = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "account_logout",
    "patients:session",
    "healthz",
    "readyz",
}


class PrivateResponses:
    """Keep every page of ours out of caches and away from device features. Static files are served before this."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


class DemoStaysHere:
    """Refuse every request to a demo that does not come from this very computer: it has one password and no second factor."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.DEMO and not self._is_from_here(request):
            return HttpResponseForbidden("A demo answers on this computer alone.", content_type="text/plain")
        return self.get_response(request)

    @staticmethod
    def _is_from_here(request: HttpRequest) -> bool:
        """Whether the address, the name it was asked under and the lack of a proxy between say so."""
        name = request.META.get("HTTP_HOST", "").rpartition(":")[0] or request.META.get("HTTP_HOST", "")
        try:
            is_near = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
        except ValueError:
            return False
        return is_near and name in LOOPBACK and not any(header in request.headers for header in FORWARDED)


class SignInRequired(LoginRequiredMiddleware):
    """Lead to sign-in and back. A part of a page that htmx asks for takes the whole page there."""

    def handle_no_permission(  # type: ignore[override]  # the stubs know of redirects alone
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:  # Any: Django's own signature
        if request.headers.get("HX-Request") == "true":
            page = getattr(request, "htmx").current_url_abs_path or "/"  # noqa: B009  # HtmxMiddleware sets it
            return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': page})}")
        if request.headers.get("Accept") == "application/json":
            return JsonResponse({"code": "signed_out", "message": _("You are signed out. Sign in and try again.")}, status=401)
        return super().handle_no_permission(request, view_func)


class SecondFactor:
    """Let nobody further than enrolment without a second factor, and let a session outlive only the change it made itself.

    allauth asks for a factor where there is one; that there is one is held here. API keys are credentials of their own.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if request.method == "POST" and request.user.is_authenticated and match and (match.url_name or "").startswith("mfa_"):
            self._keep_this_session(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponse | None:  # Any: Django's own signature
        """Return where to go instead; None lets the request pass."""
        if not settings.MFA_REQUIRED or not request.user.is_authenticated or request.user.has_factor:
            return None
        match = request.resolver_match
        if match is None or match.view_name in OPEN_WITHOUT_FACTOR:
            return None
        if "api" in match.app_names:
            message = _("Set up two-factor sign-in first.")
            return JsonResponse({"code": "second_factor_missing", "message": message}, status=403)
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(resolve_url("mfa_index"))
        return redirect("mfa_index")

    @staticmethod
    def _keep_this_session(request: HttpRequest) -> None:
        """Tie this session to the factors as they are now, under a new key; every other session of the user is over."""
        user = get_user_model()._default_manager.get(email=request.user.get_username())
        if user.get_session_auth_hash() != request.session.get(HASH_SESSION_KEY):
            UserSession.objects.filter(session_key=request.session.session_key).delete()
            update_session_auth_hash(request, user)
            UserSession.objects.create_from_request(request)


class ClinicianTimeZone:
    """Show times in the zone the signed-in clinician chose, else in the clinic's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = getattr(request.user, "time_zone", "") or settings.TIME_ZONE
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)


class ClinicianLanguage:
    """Write pages in the language the signed-in clinician chose, else in the browser's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        language = getattr(request.user, "language", "")
        if not language:
            return self.get_response(request)
        with translation.override(language):
            setattr(request, "LANGUAGE_CODE", language)  # noqa: B010  # as Django's own middleware leaves it
            response = self.get_response(request)
        response.headers["Content-Language"] = language
        return response
