"""Middleware: privacy headers, the local demo, sign-in, second factor, time zone and language."""

import ipaddress
import zoneinfo
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY, get_user_model, update_session_auth_hash
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from clinic.faults import is_for_api
from patients.accounts.provider import has_provider_factor

GetResponse = Callable[[HttpRequest], HttpResponseBase]

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via")
PROBES = {"/healthz", "/readyz", "/metrics"}
# What a user without a second factor can open: to set one up, or to sign out.
OPEN_WITHOUT_FACTOR = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "account_logout",
    "patients:session",
    "healthz",
    "readyz",
    "metrics",
}
# What the provider's word for two factors does not open, beside the views of patients/accounts/proof.py: a factor of one's own
# has to confirm it.
OWN_FACTOR_NEEDED = {"patients:emergency", "patients:add_api_key"}


class PrivateResponses:
    """Keep pages out of caches and away from device features. Static files do not pass here."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


class LocalDemoOnly:
    """Refuse requests to a demo from other computers: it has one password and no second factor."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.DEMO and not self._is_from_here(request):
            message = "A demo answers on this computer alone."
            if is_for_api(request):
                return JsonResponse({"code": "demo", "message": message}, status=403)
            return HttpResponseForbidden(message, content_type="text/plain")
        return self.get_response(request)

    @staticmethod
    def _is_from_here(request: HttpRequest) -> bool:
        """Whether the client's IP and the host name are local, and no proxy is in between."""
        name = request.META.get("HTTP_HOST", "").rpartition(":")[0] or request.META.get("HTTP_HOST", "")
        try:
            is_near = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
        except ValueError:
            return False
        return is_near and name in LOOPBACK and not any(header in request.headers for header in FORWARDED)


class ProbesOnly:
    """Answer nothing but probes under the name of this host, where the site has a name of its own.

    127.0.0.1 is allowed for probes. A mail that someone has sent under that name would hold a link that leads nowhere.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        has_name = not LOOPBACK.issuperset(settings.ALLOWED_HOSTS)
        if has_name and request.path_info not in PROBES and split_domain_port(request.get_host())[0] in LOOPBACK:
            raise DisallowedHost("The site has a name of its own: this one answers probes.")
        return self.get_response(request)


class SignInRequired(LoginRequiredMiddleware):
    """Redirect to sign-in and back. For a part of a page that htmx loads, redirect the whole page."""

    def handle_no_permission(  # type: ignore[override]  # the stubs know of redirects alone
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:  # Any: Django's own signature
        if request.headers.get("HX-Request") == "true":
            page = getattr(request, "htmx").current_url_abs_path or "/"  # noqa: B009  # HtmxMiddleware sets it
            return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': page})}")
        if request.headers.get("Accept") == "application/json":
            message = _("You are signed out. Sign in and try again.")
            return JsonResponse({"code": "signed_out", "message": message, "retry": True}, status=401)
        return super().handle_no_permission(request, view_func)


class SecondFactor:
    """Require a second factor, and end all other sessions of a user who changes theirs.

    allauth asks for a factor if the user has one; this middleware makes sure that they have. patients/api/keys.py does for keys.
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
        """Return a redirect to enrolment; None lets the request pass."""
        if not settings.MFA_REQUIRED or not request.user.is_authenticated or request.user.has_factor:
            return None
        match = request.resolver_match
        if match is None or match.view_name in OPEN_WITHOUT_FACTOR:
            return None
        if has_provider_factor(request):
            if match.view_name not in OWN_FACTOR_NEEDED and request.method not in getattr(view, "asks_again", ()):
                return None
            messages.info(request, _("Set up a second factor of your own first: it is asked for again here."))
        if "api" in match.app_names:
            message = _("Set up two-factor sign-in first.")
            return JsonResponse({"code": "second_factor_missing", "message": message}, status=403)
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(resolve_url("mfa_index"))
        return redirect("mfa_index")

    @staticmethod
    def _keep_this_session(request: HttpRequest) -> None:
        """Tie this session to the new factors, under a new key; every other session of the user ends."""
        user = get_user_model()._default_manager.get(email=request.user.get_username())
        if user.get_session_auth_hash() != request.session.get(HASH_SESSION_KEY):
            UserSession.objects.filter(session_key=request.session.session_key).delete()
            update_session_auth_hash(request, user)
            UserSession.objects.create_from_request(request)


class ClinicianTimeZone:
    """Show times in the zone of the signed-in user, else in the clinic's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = getattr(request.user, "time_zone", "") or settings.TIME_ZONE
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)


class ClinicianLanguage:
    """Show pages in the language of the signed-in user, else in the browser's."""

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
