"""Writes the line that says who looked. Called by the view itself, before anything is shown: no line, no look."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Model, Subquery
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from encryption.fields import keyed_hash
from patients.audit.outcome import outcome_of
from patients.models.access import DETAIL_MAX_LETTERS, AccessLog, Detail, pseudonym
from patients.models.event import Event
from patients.models.patient import Patient
from patients.models.phone_pairing import PhonePairing
from patients.models.photo import Photo
from patients.models.token import ApiToken
from patients.models.user import User
from patients.models.visit import Visit

Actor = HttpRequest | Request | User | None
POLLED_AGAIN_AFTER = timedelta(minutes=5)
"""A card or a summary that renews itself every second is one look, not three hundred."""
LINES_LOOKED_BACK = 5000  # a clinic writes fewer in that time; the search for the earlier look stays short in a long log


def record_access(
    who: Actor,
    action: AccessLog.Action,
    patient: Patient | None = None,
    obj: Model | None = None,
    again_after: timedelta | None = None,
    **detail: str | int | bool | None,
) -> AccessLog | None:
    """Add one line to the access log and return it.

    `who` is the request, or the user where there is none (None: the system itself). The patient is found from a visit or a photo
    given as `obj`; a line that an emergency access made possible names it. With `again_after` nothing is written, and None
    returned, when the same person did the same to the same object within that time. `detail` takes ids, numbers and codes, never
    names; raises ValueError for long text.
    """
    request = who._request if isinstance(who, Request) else who
    patient_id = patient_id_of(patient or obj)
    detail = _emergency_of(who, patient_id) | detail
    whose = pseudonym(patient_id) if patient_id else ""
    line = AccessLog(action=action, actor_id=_actor_id(who), patient=whose, detail=_checked(detail))
    if obj is not None and not isinstance(obj, Patient):
        line.object_kind, line.object_id = obj._meta.model_name or "", str(obj.pk)
    key = getattr(who, "auth", None)  # the framework of the API leaves it on the request
    if isinstance(key, ApiToken):
        line.detail["key"] = key.pk
    if isinstance(request, HttpRequest):
        line.request_id, line.network = request_id(request), network_of(request)
        if outcome := outcome_of(request):
            outcome.has_entry = True
    if again_after is not None and _was_recorded(line, again_after):
        return None
    return AccessLog.append(line)


def record_for_each(who: HttpRequest, action: AccessLog.Action, patient_ids: Iterable[uuid.UUID]) -> None:
    """Add one line for each of the patients: each of them can be shown what was done with their data.

    In the order of their pseudonyms: what is carried away must not be led back to them by the place of their line.
    """
    same = {"action": action, "actor_id": _actor_id(who), "request_id": request_id(who), "network": network_of(who)}
    AccessLog.append_all([AccessLog(patient=name, **same) for name in sorted(map(pseudonym, patient_ids))])


def request_id(request: HttpRequest) -> str:
    """Return 32 hex digits that name this request: the proxy's X-Request-ID, else made up once."""
    known = getattr(request, "request_id", None)
    if known is None:
        # Without a proxy the header is the browser's own, and a name that it chose proves nothing.
        sent = request.headers.get("X-Request-ID", "").replace("-", "") if settings.SECURE_PROXY_SSL_HEADER else ""
        known = sent if re.fullmatch(r"[0-9a-f]{32}", sent) else uuid.uuid4().hex
        request.request_id = known  # type: ignore[attr-defined]  # kept on the request for its next line
    return str(known)


def network_of(request: HttpRequest) -> str:
    """Return the network that the request came from, cut so that it names a place and not a person; empty when unknown."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:  # then there is a proxy before us, and its word is the last one in the list
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        kind = 24 if ipaddress.ip_address(address).version == 4 else 48
        return str(ipaddress.ip_network(f"{address}/{kind}", strict=False))
    except ValueError:
        return ""


def tried_name(name: str) -> str:
    """Return what a failed sign-in leaves of the name that was typed: equal for equal names, and no more."""
    return keyed_hash(b"tried to sign in:" + name.strip().lower().encode())[:16]


def _actor_id(who: Actor) -> int | None:
    if isinstance(who, User):
        return who.pk
    user = getattr(who, "user", None)
    return user.pk if isinstance(user, User) else None


def patient_id_of(subject: Model | None) -> uuid.UUID | None:
    """Return whose row it is; None when it is nobody's."""
    if isinstance(subject, Patient):
        return subject.pk
    if isinstance(subject, Photo | PhonePairing):
        return subject.visit.patient_id
    return subject.patient_id if isinstance(subject, Visit | Event) else None


def _emergency_of(who: Actor, patient_id: uuid.UUID | None) -> Detail:
    user = who if isinstance(who, User) else getattr(who, "user", None)
    if patient_id is None or not isinstance(user, User) or not user.has_open_break_glass:
        return {}
    access = user.break_glasses.open().filter(patient=patient_id).first()
    return {"glass": access.pk} if access else {}


def _checked(detail: Detail) -> Detail:
    for name, value in detail.items():
        if not isinstance(value, str | int | None) or (isinstance(value, str) and len(value) > DETAIL_MAX_LETTERS):
            raise ValueError(f"{name} does not belong into the access log")
    return detail


def _was_recorded(line: AccessLog, within: timedelta) -> bool:
    same = AccessLog.objects.filter(
        object_id=line.object_id, patient=line.patient, action=line.action, actor_id=line.actor_id, object_kind=line.object_kind
    )
    newest = AccessLog.objects.order_by("-sequence").values("sequence")[:1]
    recent = same.filter(sequence__gt=Subquery(newest) - LINES_LOOKED_BACK)
    now = timezone.now()
    return recent.filter(at__range=(now - within, now)).exists()  # none of before the clock was set back
