"""Break-access: how a clinician gets to a patient who is not theirs, for two hours and in full view."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from allauth.core import ratelimit
from allauth.core.exceptions import ReauthenticationRequired
from django.db import transaction
from django.http import HttpRequest

from patients.audit.log import record_access
from patients.models import AccessLog, BreakGlass, Patient, User


def has_proved_who(request: HttpRequest) -> bool:
    """Whether the person gave a password, a code or a passkey once more in the last five minutes. Signing in is not enough."""
    try:
        _require_proof(request)
    except ReauthenticationRequired:
        return False
    return True


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _require_proof(request: HttpRequest) -> None:
    """Return for someone who proved who they are. Raises ReauthenticationRequired for anyone else.

    allauth has no public function that tells; what its decorator does is public.
    """


def is_guessing(request: HttpRequest) -> bool:
    """Whether this user has tried more often in an hour than an emergency explains."""
    return not ratelimit.consume(request, action="break_glass", user=request.user)


def break_glass(patient: Patient, user: User, reason: str, request: HttpRequest) -> BreakGlass:
    """Return the access that is open from now on."""
    with transaction.atomic():
        access = BreakGlass.objects.create(patient=patient, clinician=user, reason=reason)
        record_access(request, AccessLog.Action.BREAK_GLASS, patient, glass=access.pk)
    return access


def open_break_glasses(request: HttpRequest) -> dict[str, object]:
    """Return the emergency accesses of whoever asks, for the banner that every page then carries. No query without one."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_open_break_glass:
        return {}
    return {"open_break_glasses": user.break_glasses.open().select_related("patient")}
