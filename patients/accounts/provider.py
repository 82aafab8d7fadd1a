"""Sign-in by the hospital's provider: who it may sign in, what its groups and its second factor mean here, and who left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from patients.accounts.mfa import BY_PROVIDER
from patients.accounts.people import log_permissions
from patients.audit.log import record_access, tried_name
from patients.models import AccessLog, ApiToken, User

Claims = dict[str, Any]  # Any: JSON
WORDS: dict[str, str | Promise] = {
    "failed": _("%(name)s did not confirm who you are. Try again."),
    "unavailable": _("%(name)s does not answer. Try again later."),
    "unverified": _("%(name)s does not say that your e-mail address is verified. Ask your administrator."),
    "unknown": _("No account here has your address. Accounts are by invitation: ask your administrator."),
    "disabled": _("Your account is disabled. Ask your administrator."),
    "linked": _("Your account here belongs to another identity at %(name)s. Ask your administrator."),
    "groups": _("%(name)s did not say which groups you are in. Ask your administrator."),
    "no_group": _("None of your groups at %(name)s has access. Your account was disabled. Ask your administrator."),
    "only": _("Your account signs in with %(name)s."),
}


class InvitedOnly(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """The provider signs in people who have an account here, and makes no account."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account, link it at the first sign-in, and apply the groups. Raises ImmediateHttpResponse for a refusal."""
        claims = _take_claims(request, sociallogin)
        address = str(claims.get("email") or "")
        if sociallogin.state.get("process") != "login":  # a signed-in person cannot take on another identity
            refuse(request, "failed", address)
        user = _owner_of(request, sociallogin, claims, address)
        if not user.is_active:
            refuse(request, "disabled", address)
        if settings.OIDC and settings.OIDC.roles:
            _apply_groups(request, user, claims)
        sociallogin.user = user
        if sociallogin.account.pk is None:
            sociallogin.account.user = user
            sociallogin.account.save()
        if _has_asked_for_two_factors(claims):
            record_authentication(request, user, method=BY_PROVIDER)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: object,
        error: object = None,
        exception: Exception | None = None,
        extra_context: object = None,
    ) -> None:
        """Answer what went wrong on the way: who gave up goes back to sign-in."""
        if error == "cancelled":
            raise ImmediateHttpResponse(redirect("account_login"))
        refuse(request, "failed")


def refuse(request: HttpRequest, reason: str, address: str = "") -> NoReturn:
    """Raise ImmediateHttpResponse with the answer to a refused sign-in."""
    raise ImmediateHttpResponse(refusal(request, reason, address))


def refusal(request: HttpRequest, reason: str, address: str = "", status: int = 403) -> HttpResponse:
    """Log a refused sign-in and return a page that says why. `reason` is a key of WORDS."""
    record_access(request, AccessLog.Action.SIGN_IN_FAILED, tried=tried_name(address) if address else "", reason=reason)
    name = settings.OIDC.name if settings.OIDC else ""
    context = {"message": WORDS[reason] % {"name": name}}
    return render(request, "account/provider_refused.html", context, status=status)


def is_linked(user: User) -> bool:
    """Whether the provider signs this user in."""
    return bool(SocialAccount.objects.filter(user=user).exists())


def forget_link(user: User) -> int:
    """Remove the link to the provider, so that password and passkeys sign in again; return how many there were."""
    with transaction.atomic():
        count, _rows = SocialAccount.objects.filter(user=user).delete()
        record_access(None, AccessLog.Action.PERMISSION, obj=user, changed="provider forgotten", links=count)
    return int(count)


def has_provider_factor(request: HttpRequest) -> bool:
    """Whether the provider asked for two factors in this session. Administrators need one of their own all the same."""
    user = request.user
    if not settings.OIDC or not isinstance(user, User) or user.is_administrator:
        return False
    return any(record.get("method") == BY_PROVIDER for record in get_authentication_records(request, user))


def key_refusal(owner: User) -> str:
    """Return "absent" for the key of someone whom the provider has not signed in for long; empty for any other."""
    if not settings.OIDC or not is_linked(owner):
        return ""
    since = timezone.now() - timedelta(days=settings.OIDC.key_days)
    return "" if owner.last_login and owner.last_login > since else "absent"


def _take_claims(request: HttpRequest, sociallogin: SocialLogin) -> Claims:
    """Return what the provider says, and leave nothing of it to be stored. The two sources must speak of one person."""
    account = sociallogin.account
    said, account.extra_data, sociallogin.token = account.extra_data, {}, None
    if account.pk is not None:
        account.save(update_fields=["extra_data"])
    token, info = said.get("id_token") or {}, said.get("userinfo") or {}
    if not token.get("sub") or info.get("sub", token["sub"]) != token["sub"]:
        refuse(request, "failed")
    return info | token


def _owner_of(request: HttpRequest, sociallogin: SocialLogin, claims: Claims, address: str) -> User:
    if isinstance(sociallogin.user, User) and sociallogin.account.pk is not None:
        return User.objects.get(pk=sociallogin.account.user_id)
    is_verified = claims.get("email_verified") in (True, "true") or (settings.OIDC is not None and settings.OIDC.trusts_email)
    if not address or not is_verified:
        refuse(request, "unverified", address)
    user = User.objects.filter(email__iexact=address).first()
    if user is None:
        refuse(request, "unknown", address)
    if is_linked(user):  # an address that was given to someone new
        refuse(request, "linked", address)
    return user


def _apply_groups(request: HttpRequest, user: User, claims: Claims) -> None:
    """Give the user the role of their groups. Without one the account is disabled, unless it is the last administrator's."""
    assert settings.OIDC is not None
    groups = claims.get(settings.OIDC.groups_claim)
    if not isinstance(groups, list):  # a mistake in the provider's set-up must not disable everyone
        refuse(request, "groups", user.email)
    role = next((role for group, role in settings.OIDC.roles if group in groups), None)
    with transaction.atomic():
        administrators = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True).order_by("pk")
        if role != User.Role.ADMINISTRATOR and [each.pk for each in administrators] == [user.pk]:
            return
        if role == user.role:
            return
        user.role, user.is_active = role or user.role, role is not None
        user.save(update_fields=["role", "is_active"])
        log_permissions(user, request, "role by provider" if role else "no group at provider", ApiToken.revoke_all(user))
    if role is None:
        refuse(request, "no_group", user.email)


def _has_asked_for_two_factors(claims: Claims) -> bool:
    amr, acr = claims.get("amr"), claims.get("acr")
    said = {*(amr if isinstance(amr, list) else [amr]), acr}
    return settings.OIDC is not None and any(isinstance(each, str) and each in settings.OIDC.mfa for each in said)
