"""What slows down guessing a password without shutting its owner out, and who is told of it.

Wrong passwords count by account and network, or by account and browser where the account has signed in before: a stranger who
guesses from elsewhere cannot use up the tries of either. Passkeys do not come here at all.
"""

import secrets
from collections.abc import Iterator

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import RateLimitUsage, consume
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from patients.audit.log import network_of, tried_name
from patients.models import User

APP = "allauth.account"  # whose limits (settings.ACCOUNT_RATE_LIMITS) we use
SALT = "known device"
DEVICE_DAYS = 180
ACCOUNTS_OF_A_DEVICE = 20  # a computer on a ward knows that many people


def consume_try(request: HttpRequest, name: str) -> RateLimitUsage | None:
    """Count one try of a password for the account `name`; None if there were too many, and then this one does not count."""
    used = RateLimitUsage(usage=[])
    for action, key in _counters(request, tried_name(name)):
        usage = consume(request, app=APP, action=action, key=key)
        if usage is None:
            used.rollback()
            return None
        used.usage += usage.usage
    return used


def _counters(request: HttpRequest, account: str) -> Iterator[tuple[str, str]]:
    device, accounts = _device_of(request)
    if account in accounts:
        yield "password_on_device", f"{account}:{device}"
        return
    yield "password_from_network", f"{account}:{network_of(request)}"
    # All strangers together: a thousand networks must not get a thousand times as many tries.
    yield "password_of_strangers", account


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Note in a signed cookie that this user has signed in in this browser. It names no one: accounts are keyed hashes."""
    device, accounts = _device_of(request)
    own = tried_name(user.email)
    kept = [own, *(each for each in accounts if each != own)][:ACCOUNTS_OF_A_DEVICE]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([device, kept], salt=SALT),
        max_age=DEVICE_DAYS * 86_400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _device_of(request: HttpRequest) -> tuple[str, list[str]]:
    """Return the random id of the browser, and the hashes of the accounts that have signed in in it."""
    try:
        device, accounts = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=DEVICE_DAYS * 86_400
        )
    except signing.BadSignature:
        return secrets.token_hex(16), []
    return device, accounts


def note_failure(request: HttpRequest, name: str) -> None:
    """Count a wrong password or code for the account `name`. After ten in an hour, its owner and the administrators get a mail."""
    account = tried_name(name)
    if consume(request, app=APP, action="failures", key=account):
        return
    user = User.objects.filter(email__iexact=name.strip(), is_active=True).first()
    if user is None or not consume(request, app=APP, action="failures_told", key=account):
        return
    _tell(user, "account/email/failed_sign_ins", user)
    if consume(request, app=APP, action="failures_told_of_all", key="all"):
        for administrator in User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk):
            _tell(administrator, "account/email/failed_sign_ins_of", user)


def _tell(reader: User, template: str, user: User) -> None:
    with translation.override(reader.language or settings.LANGUAGE_CODE):  # not in that of the browser that guesses
        get_adapter().mail_notice(template, reader, {"name": user.display_name, "address": user.email})
