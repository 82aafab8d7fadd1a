"""Adds entries to the access log, always before anything is shown: what cannot be logged is not shown."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model, Subquery
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from encryption.keys import keyed_hash
from patients.audit.outcome import outcome_of
from patients.audit.shipping import ship_after_commit
from patients.models.access import DETAIL_MAX_LENGTH, AccessLog, AccessLogQuerySet, Detail, object_name, pseudonym
from patients.models.event import Event
from patients.models.patient import Patient
from patients.models.phone_pairing import PhonePairing
from patients.models.photo import Photo
from patients.models.photo_import import Import
from patients.models.token import ApiToken
from patients.models.user import User
from patients.models.visit import Visit

OF_PATIENTS = (Visit, Photo, Event, PhonePairing, Import)
"""Rows of patients: the log names them by `object_name`, not by their ids."""
IDS_IN_DETAIL = frozenset({"from_visit", "to_visit", "phone_pairing"})
Actor = HttpRequest | Request | User | None
POLLED_AGAIN_AFTER = timedelta(minutes=5)
"""A card or a summary that polls every second is one access, not three hundred."""
# A clinic adds fewer in that time. The limit keeps the search for the earlier entry short in a long log.
ENTRIES_SEARCHED = 5000


def record_access(
    who: Actor,
    action: AccessLog.Action,
    patient: Patient | None = None,
    obj: Model | None = None,
    again_after: timedelta | None = None,
    **detail: str | int | bool | None,
) -> AccessLog | None:
    """Add one entry to the access log and return it.

    `who` is the request, or the user where there is none (None: the system itself). The patient follows from a visit or a photo
    given as `obj`. An entry that emergency access made possible names that access. With `again_after`, nothing is added and None
    returned when the same user did the same to the same object within that time. `detail` takes ids, numbers and codes, never
    names. Raises ValueError for long text.
    """
    request = who._request if isinstance(who, Request) else who
    patient_id = patient_id_of(patient or obj)
    detail = _emergency_of(who, patient_id) | _without_ids(detail, patient_id)
    whose = pseudonym(patient_id) if patient_id else ""
    entry = AccessLog(action=action, **_actor(who), patient=whose, detail=_checked(detail))
    if obj is not None and not isinstance(obj, Patient):
        entry.object_kind = obj._meta.model_name or ""
        entry.object_id = object_name(patient_id, obj.pk) if patient_id and isinstance(obj, OF_PATIENTS) else str(obj.pk)
    entry.detail |= _key_of(who)
    if isinstance(request, HttpRequest):
        entry.request_id, entry.network = request_id(request), network_of(request)
        if outcome := outcome_of(request):
            outcome.has_entry = True
    if again_after is not None and _was_recorded(entry, again_after):
        return None
    AccessLog.append(entry)
    ship_after_commit([entry])
    return entry


def _without_ids(detail: Detail, patient_id: uuid.UUID | None) -> Detail:
    """Return the detail with names of the patient's rows in place of their ids."""
    if patient_id is None:
        return detail
    ids = {name: uuid.UUID(str(detail[name])) for name in IDS_IN_DETAIL & detail.keys()}
    return detail | {name: object_name(patient_id, key) for name, key in ids.items()}


def record_for_each(
    who: HttpRequest | Request,
    action: AccessLog.Action,
    patient_ids: Iterable[uuid.UUID],
    again_after: timedelta | None = None,
    **detail: str | int | bool | None,
) -> None:
    """Add one entry for each patient, so that each can be shown what was done with their data.

    They are sorted by pseudonym: in the order of the export, the place of an entry would tell whose row is whose. `again_after`
    is as in `record_access`, by one more query however many patients there are.
    """
    request = who._request if isinstance(who, Request) else who
    detail |= _key_of(who)
    same = {"action": action, **_actor(who), "request_id": request_id(request), "network": network_of(request)}
    if outcome := outcome_of(request):
        outcome.has_entry = True
    names = sorted(set(map(pseudonym, patient_ids)))
    if again_after is not None and not _key_of(who):  # a program is told apart from its owner
        known = AccessLog(action=action, **_actor(who), detail=detail)
        recorded = set(_recent(known, again_after).filter(patient__in=names).values_list("patient", flat=True))
        names = [name for name in names if name not in recorded]
    glasses = _emergencies_of(who)
    entries = [AccessLog(patient=name, detail=glasses.get(name, {}) | _checked(detail), **same) for name in names]
    AccessLog.append_all(entries)
    ship_after_commit(entries)


def request_id(request: HttpRequest) -> str:
    """Return 32 hex digits that identify this request: the proxy's X-Request-ID, otherwise random."""
    known = getattr(request, "request_id", None)
    if known is None:
        # Without a proxy the header comes from the browser, and an id that it chose proves nothing.
        sent = request.headers.get("X-Request-ID", "").replace("-", "") if settings.SECURE_PROXY_SSL_HEADER else ""
        known = sent if re.fullmatch(r"[0-9a-f]{32}", sent) else uuid.uuid4().hex
        request.request_id = known  # type: ignore[attr-defined]  # kept for the next entry of the request
    return str(known)


def network_of(request: HttpRequest) -> str:
    """Return the network that the request came from, without the part that tells one computer from another; empty when unknown."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:  # behind a proxy, which appends the address it saw
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        kind = 24 if ipaddress.ip_address(address).version == 4 else 48
        return str(ipaddress.ip_network(f"{address}/{kind}", strict=False))
    except ValueError:
        return ""


def tried_name(name: str) -> str:
    """Return a hash of the name typed at a failed sign-in. It tells only whether two names are equal."""
    return keyed_hash("names tried at sign-in", name.strip().lower().encode())[:16]


def user_of(who: Actor) -> User | None:
    """Return the user who acts; None for the system itself."""
    user = who if isinstance(who, User) else getattr(who, "user", None)
    return user if isinstance(user, User) else None


def _actor(who: Actor) -> dict[str, Any]:  # Any: the fields of an entry
    user = user_of(who)
    return {"actor_id": user.pk, "actor_name": user.display_name} if user else {}


def patient_id_of(subject: Model | None) -> uuid.UUID | None:
    """Return the id of the patient that the row belongs to; None when it belongs to none."""
    if isinstance(subject, Patient):
        return subject.pk
    if isinstance(subject, Photo | PhonePairing):
        return subject.visit.patient_id
    return subject.patient_id if isinstance(subject, Visit | Event | Import) else None


def _key_of(who: Actor) -> Detail:
    key = getattr(who, "auth", None)  # REST framework sets it on its request
    return {"key": key.pk} if isinstance(key, ApiToken) else {}


def _emergency_of(who: Actor, patient_id: uuid.UUID | None) -> Detail:
    return _emergencies_of(who).get(pseudonym(patient_id), {}) if patient_id else {}


def _emergencies_of(who: Actor) -> dict[str, Detail]:
    """Return what an entry says of each open emergency access of the user, by pseudonym. No query without one."""
    user = user_of(who)
    if user is None or not user.has_open_break_glass:
        return {}
    opened = user.break_glasses.open().order_by("opened_at", "pk").values_list("patient_id", "pk")
    return {pseudonym(patient_id): {"glass": pk} for patient_id, pk in opened}


def _checked(detail: Detail) -> Detail:
    for name, value in detail.items():
        if not isinstance(value, str | int | None) or (isinstance(value, str) and len(value) > DETAIL_MAX_LENGTH):
            raise ValueError(f"{name} does not belong in the access log")
    return detail


def _was_recorded(entry: AccessLog, within: timedelta) -> bool:
    return _recent(entry, within).filter(object_id=entry.object_id, patient=entry.patient).exists()


def _recent(entry: AccessLog, within: timedelta) -> AccessLogQuerySet:
    """Return the entries of the same person and the same action on objects of the same kind within that time."""
    same = AccessLog.objects.filter(action=entry.action, actor_id=entry.actor_id, object_kind=entry.object_kind)
    newest = AccessLog.objects.order_by("-sequence").values("sequence")[:1]
    recent = same.filter(sequence__gt=Subquery(newest) - ENTRIES_SEARCHED)
    now = timezone.now()
    # An entry from before the clock was set back may have a time in the future: it does not count.
    return recent.filter(at__range=(now - within, now))
