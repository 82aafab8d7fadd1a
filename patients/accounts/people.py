"""What an administrator does with people: let them in, say what they may, and let them go. Each adds an entry to the access log."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.urls import reverse

from patients.audit.log import Actor, record_access
from patients.care.team import assign
from patients.models import AccessLog, ApiToken, Patient, User


def invitation_path(user: User) -> str:
    """Return the path of the page where `user` sets a password. It works once, and for three days."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return reverse("account_reset_password_from_key", kwargs=key)


def note_rights(user: User, who: Actor, changed: str, keys: int = 0) -> None:
    """Write down what `user` may do from now on, and how many keys of programs ended with it."""
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
        **ended,  # type: ignore[arg-type]  # numbers are what a detail is made of
    )


def reset_factors(user: User, who: Actor) -> None:
    """Take away every second factor of somebody who lost theirs: all their sessions end, and the next sign-in enrols a new one.

    Their API keys end too: whoever found the phone may have found those. The owner is told by mail, in case nobody lost anything.
    """
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        record_access(who, AccessLog.Action.PERMISSION, obj=user, changed="second factor reset", keys=ApiToken.revoke_all(user))
    get_adapter().send_notification_mail("mfa/email/totp_deactivated", user)


def hand_over(leaving: User, to: User, who: Actor) -> int:
    """Assign every patient who is assigned to one clinician by name to another as well; return how many."""
    patients = list(Patient.objects.filter(assignments__clinician=leaving))
    with transaction.atomic():
        for patient in patients:
            assign(patient, to, who)
    return len(patients)
