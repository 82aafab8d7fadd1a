"""Checks the API key of a request before anything else is done for it.

This comes before the transaction of a change: the entry of a refused key must stay when the change is rolled back, and requests
with the same key must not wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allauth.core.internal import ratelimit
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled

from patients.accounts.mfa import Backend
from patients.accounts.provider import key_refusal
from patients.audit.log import network_of, record_access
from patients.models import AccessLog, ApiToken, User
from patients.models.token import prefix_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]


@dataclass(frozen=True)
class ShownKey:
    """The key that a request shows: a valid one with its owner, or the error that answers it."""

    token: ApiToken | None = None
    owner: User | None = None
    error: APIException | None = None


class ApiKeys:
    """Leaves a ShownKey as `shown_key` on each request to the API that shows one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        words = request.headers.get("Authorization", "").split()
        if words and words[0].lower() == "bearer" and request.path_info.startswith("/api/"):
            shown = check_key(request, words[1] if len(words) == 2 else "")
            request.shown_key = shown  # type: ignore[attr-defined]  # read by patients/api/authentication.py
        return self.get_response(request)


def check_key(request: HttpRequest, key: str) -> ShownKey:
    """Return what the key is worth, and note its use. A refused key adds an entry with its prefix, up to a limit per network."""
    now, network = timezone.now(), network_of(request)
    token = ApiToken.find(key)
    owner = Backend().get_user(token.clinician_id) if token else None
    reason = (token.refusal(owner) or (key_refusal(owner) if owner else "")) if token else "unknown"
    if reason or token is None:
        return ShownKey(error=_refuse(request, token, prefix_of(key), reason, network))
    if token.is_spent(now):
        return ShownKey(error=Throttled(wait=60 - now.second))
    token.note_use(key, network, now)
    return ShownKey(token, owner)


def _refuse(request: HttpRequest, token: ApiToken | None, prefix: str, reason: str, network: str) -> APIException:
    # A limit for wrong keys alone: a program that keeps trying an old one must not shut out the others of its network.
    if not ratelimit.consume(request, app="allauth.account", action="api_key", key=network, limit_get=True):
        return Throttled(wait=600)
    owner = User(pk=token.clinician_id) if token else None
    record_access(request, AccessLog.Action.SIGN_IN_FAILED, obj=owner, key_prefix=prefix, reason=reason)
    if reason == "expired":
        return AuthenticationFailed(_("This key has expired. Create a new one."), code="key_expired")
    return AuthenticationFailed(_("This key is not valid."), code="invalid_key")
