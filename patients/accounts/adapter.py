"""Sign-in by invitation only."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse

from patients.audit.log import record_access, tried_name
from patients.models import AccessLog, User

log = logging.getLogger(__name__)


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody can make an account of their own: `manage.py invite` and an administrator do."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:  # Any: allauth's own signature
        """Write down that somebody came in, with all factors given."""
        record_access(request, AccessLog.Action.SIGN_IN, obj=user)
        answer: HttpResponse = super().post_login(request, user, **options)
        return answer

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:  # Any: allauth's own signature
        """Write down that somebody did not: equal names look equal, and none can be read."""
        name = str(credentials.get("email") or credentials.get("username") or "")
        record_access(request, AccessLog.Action.SIGN_IN_FAILED, tried=tried_name(name))

    def set_password(self, user: User, password: str) -> None:
        """Set the password, and nothing else: an administrator may have changed what the user may meanwhile."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def logout(self, request: HttpRequest) -> None:
        """Write down that somebody left."""
        record_access(request, AccessLog.Action.SIGN_OUT, obj=request.user if isinstance(request.user, User) else None)
        super().logout(request)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # Any: allauth's own signature
        email: str | None = None,
    ) -> None:
        """Write down that a password or a factor has changed, and tell the owner by mail: an account has one address."""
        what = template_prefix.rpartition("/")[2]  # password_changed, totp_activated, webauthn_removed
        record_access(self.request, AccessLog.Action.PERMISSION, obj=user, changed=what)
        try:
            super().send_notification_mail(template_prefix, user, context, email or user.email)
        except OSError:  # the change stands, and a mail server that is away must not make it look as if it did not
            log.warning("no mail to user %s: the mail server did not take it", user.pk)
