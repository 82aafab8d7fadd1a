"""Emergency access: a clinician opens the record of another clinician's patient for two hours. It is logged and reviewed."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from allauth.core import ratelimit
from allauth.core.exceptions import ReauthenticationRequired
from django.db import transaction
from django.http import HttpRequest

from patients.audit.log import record_access
from patients.care.notices import Told, carers_of, tell
from patients.models import AccessLog, BreakGlass, Patient, User


def has_reauthenticated(request: HttpRequest) -> bool:
    """Whether the user gave a password, a code or a passkey again in the last five minutes. Signing in does not count."""
    try:
        _require_reauthentication(request)
    except ReauthenticationRequired:
        return False
    return True


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _require_reauthentication(request: HttpRequest) -> None:
    """Raise ReauthenticationRequired unless the user reauthenticated recently.

    allauth has no public function for this question; its decorator is public.
    """


def has_too_many_attempts(request: HttpRequest) -> bool:
    """Whether this user has tried too often in the last hour."""
    return not ratelimit.consume(request, action="break_glass", user=request.user)


def break_glass(patient: Patient, user: User, reason: str, request: HttpRequest) -> BreakGlass:
    """Open and return an emergency access. The care team, its leads among them, is told at once."""
    with transaction.atomic():
        access = BreakGlass.objects.create(patient=patient, clinician=user, reason=reason)
        record_access(request, AccessLog.Action.BREAK_GLASS, patient, glass=access.pk)
        tell(carers_of(patient), Told("emergency", user, patient=patient))
    return access


def open_break_glasses(request: HttpRequest) -> dict[str, object]:
    """Return the open emergency accesses of the signed-in user, for the banner on every page. No query without one."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_open_break_glass:
        return {}
    return {"open_break_glasses": user.break_glasses.open().select_related("patient")}
