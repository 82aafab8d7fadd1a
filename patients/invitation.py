"""Sign-in by invitation only."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from patients.models import User

log = logging.getLogger(__name__)


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody can make an account of their own: `manage.py invite` and an administrator do."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # Any: allauth's own signature
        email: str | None = None,
    ) -> None:
        """Tell the owner of the account by mail that a password or a factor has changed: an account has one address."""
        try:
            super().send_notification_mail(template_prefix, user, context, email or user.email)
        except OSError:  # the change stands, and a mail server that is away must not make it look as if it did not
            log.warning("no mail to user %s: the mail server did not take it", user.pk)
