"""Sign-in by invitation only."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from patients.accounts.guessing import consume_try, note_failure, remember_device
from patients.accounts.provider import is_linked, refusal
from patients.audit.log import record_access, tried_name
from patients.models import AccessLog, User

log = logging.getLogger(__name__)


def _name_in(credentials: dict[str, Any]) -> str:  # Any: allauth's own signature
    return str(credentials.get("email") or credentials.get("username") or "")


def _is_by_provider(options: dict[str, Any]) -> bool:  # Any: allauth's own signature
    return "sociallogin" in (options.get("signal_kwargs") or {})


class InvitationOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """No one can sign up: administrators invite, on their page or with `manage.py invite`."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:  # Any: allauth's own signature
        """Refuse a password, a passkey or a link for someone whom the provider signs in: it alone knows whether they have left."""
        if settings.OIDC and not _is_by_provider(options) and is_linked(user):
            clear_login(request)
            return refusal(request, "only", user.email)
        answer: HttpResponse | None = super().pre_login(request, user, **options)
        return answer

    def get_login_stages(self) -> list[str]:
        """Return allauth's steps after the password, with our rule of when the second factor is asked for."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "patients.accounts.mfa.SecondFactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:  # Any: allauth's own signature
        """Log the sign-in, once all factors are given."""
        if _is_by_provider(options):
            record_access(request, AccessLog.Action.SIGN_IN, obj=user, by="provider")
        else:
            record_access(request, AccessLog.Action.SIGN_IN, obj=user)
        if settings.MFA_REQUIRED and not user.has_factor:
            # They set one up next: the password that they have just entered is not asked for again.
            record_authentication(request, user, method="password", reauthenticated=True)
        answer: HttpResponse = super().post_login(request, user, **options)
        remember_device(request, answer, user)
        return answer

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:  # Any: allauth's own signature
        """Count the try. Raises ValidationError after too many from here."""
        self._login_failed_rl_usage = consume_try(request, _name_in(credentials))  # allauth takes it back if the password is right
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # Any: allauth's own signature
        """Log the failed sign-in. The name tried is kept as a keyed hash: equal names can be recognised, but not read."""
        name = _name_in(credentials)
        record_access(request, AccessLog.Action.SIGN_IN_FAILED, tried=tried_name(name))
        note_failure(request, name)

    def set_password(self, user: User, password: str) -> None:
        """Save the password alone: an administrator may have changed the user's permissions in the meantime. API keys end."""
        with transaction.atomic():
            keys = user.api_tokens.open().count()
            user.set_password(password)
            user.save(update_fields=["password"])
            if keys:
                record_access(self.request, AccessLog.Action.PERMISSION, obj=user, changed="keys revoked", keys=keys)

    def logout(self, request: HttpRequest) -> None:
        """Log the sign-out."""
        record_access(request, AccessLog.Action.SIGN_OUT, obj=request.user if isinstance(request.user, User) else None)
        super().logout(request)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # Any: allauth's own signature
        email: str | None = None,
    ) -> None:
        """Log that a password or a factor changed, and tell its owner by mail."""
        what = template_prefix.rpartition("/")[2]  # password_changed, totp_activated, webauthn_removed
        record_access(self.request, AccessLog.Action.PERMISSION, obj=user, changed=what)
        self.mail_notice(template_prefix, user, context, email)

    def mail_notice(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # Any: allauth's own signature
        email: str | None = None,
    ) -> None:
        """Tell the owner of an account by mail what was done, where the view has logged it."""
        try:
            super().send_notification_mail(template_prefix, user, context, email or user.email)
        except OSError:
            # The change is made. An error page because of the mail server would suggest that it is not.
            log.warning("no mail to user %s: the mail server did not take it", user.pk)
