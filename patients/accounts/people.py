"""What administrators do with accounts: invite, set permissions, reset factors. The access log records each."""

import logging

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from patients.audit.log import Actor, record_access, user_of
from patients.care.notices import Told, administrators, tell
from patients.models import AccessLog, ApiToken, User
from patients.models.names import folded

log = logging.getLogger(__name__)

NOTICES = {
    "invited": "invited",
    "invited at the command line": "invited",
    "invitation shown": "invitation_shown",
    "rights": "rights",
    "name and rights": "rights",
}
"""What the person and the administrators are told of, by what the access log says."""


def is_name_taken(name: str, owner: int | None = None) -> bool:
    """Return whether someone but the account `owner` has the name, however it is spelt. The access log tells people apart by it."""
    others = User.objects.exclude(pk=owner or 0).values_list("display_name", flat=True)
    return folded(name) in map(folded, others)


def invitation_path(user: User) -> str:
    """Return the path of the page where `user` sets a password. It works once, within three days."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return reverse("account_reset_password_from_key", kwargs=key)


def send_invitation(user: User, inviter: User, link: str) -> bool:
    """Mail the link to the owner of a new account. Return whether a mail server took it; False where none is set up."""
    if not settings.HAS_MAIL:
        return False
    context = {"name": user.display_name, "inviter": inviter.display_name, "email": user.email, "link": link}
    try:
        get_adapter().send_mail("account/email/invitation", user.email, context)
    except OSError:
        log.warning("no invitation to user %s: the mail server did not take it", user.pk)
        return False
    return True


def log_permissions(user: User, who: Actor, changed: str, keys: int = 0) -> None:
    """Log what `user` may do from now on, and how many API keys were revoked."""
    ended: dict[str, int] = {"keys": keys} if keys else {}
    record_access(
        who,
        AccessLog.Action.PERMISSION,
        obj=user,
        changed=changed,
        role=user.role,
        may_export=user.may_export,
        may_erase=user.may_erase,
        is_active=user.is_active,
        **ended,  # type: ignore[arg-type]  # a detail holds numbers
    )
    if kind := NOTICES.get(changed):
        tell({user, *administrators()}, Told(kind, user_of(who), about=user))


def reset_factors(user: User, who: Actor) -> None:
    """Delete every second factor of a user who lost theirs. All sessions end, and the next sign-in enrols a new factor.

    Their API keys are revoked too: someone who found the phone may have found those. The owner is told by mail.
    """
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        record_access(who, AccessLog.Action.PERMISSION, obj=user, changed="second factor reset", keys=ApiToken.revoke_all(user))
        tell({user, *administrators()}, Told("factor_reset", user_of(who), about=user))
    get_adapter().send_notification_mail("mfa/email/totp_deactivated", user)
