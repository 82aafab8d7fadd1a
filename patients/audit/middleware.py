"""Holds every request against the rule of its address, and has the access log say who did what: no line, no look."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from patients.audit.addresses import rule_for
from patients.audit.log import POLLED_AGAIN_AFTER, patient_id_of, record_access
from patients.audit.rules import SAFE, Rule, Who
from patients.models import AccessLog, Draft, Event, Patient, PhonePairing, Photo, User, Visit

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SUBJECTS: dict[str, type[Model]] = {
    "patient_id": Patient,
    "patient": Patient,
    "visit_id": Visit,
    "visit": Visit,
    "photo_id": Photo,
    "event_id": Event,
    "phone_pairing_id": PhonePairing,
}
"""What an address names, by the name of its part."""
OF_THE_API: dict[str, type[Model]] = {"patient": Patient, "visit": Visit, "photo": Photo}


class AccessMiddleware:
    """Stands last before the views."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        rule = rule_for(match.func, match.view_name)
        if rule is None:
            return self.get_response(request)
        return self._look(request, rule, match) if request.method in SAFE else self._change(request, rule, match)

    def _look(self, request: HttpRequest, rule: Rule, match: ResolverMatch) -> HttpResponseBase:
        action = rule.action(request)
        subject = subject_of(match) if action else None
        response = self.get_response(request)
        if action and has_shown(request, response):
            note(request, rule, action, subject)
        return response

    def _change(self, request: HttpRequest, rule: Rule, match: ResolverMatch) -> HttpResponseBase:
        action = rule.action(request)
        if action is None:  # the view writes the line, together with what it changes
            subject, response = None, self.get_response(request)
        else:
            subject = subject_of(match)  # before the view: afterwards it may be gone
            with transaction.atomic():  # the change and its line, or neither
                response = self.get_response(request)
                if has_changed(request, response):
                    note(request, rule, action, subject)
                    if isinstance(request.user, User):
                        Draft.forget(request.user, request.path)
                elif response.status_code >= 400:
                    transaction.set_rollback(True)
        is_shown = has_shown_instead(request, response) if action else has_shown_without_line(request, response)
        if is_shown and (shown := subject or subject_of(match)):  # what was undone above must not take this line with it
            note(request, rule, AccessLog.Action.VIEW, shown)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:  # Any: Django's own signature
        """Let the request pass. Raises Http404 where the role does not fit, and PermissionDenied where a right is missing."""
        match = request.resolver_match
        rule = rule_for(match.func, match.view_name) if match else None
        if match is None or rule is None:
            log.error("The address %s has no rule and is closed", match and match.route)
            raise Http404
        if "api" not in match.app_names:  # the API knows who asks only when it has read the key: patients/api/permission.py
            check(rule, request.user if isinstance(request.user, User) else None, match, request.method)
        setattr(request, "came_through", True)  # noqa: B010  # ours


def check(rule: Rule, user: User | None, match: ResolverMatch, method: str | None) -> None:
    """Return when `user` (None: nobody signed in) may go on. Raises Http404 or PermissionDenied."""
    if user is None:
        if rule.who is not Who.ANYONE:
            raise Http404
        return
    if not rule.who.includes(user):
        raise Http404
    right = rule.right_for(method)
    if right is None:
        return
    patient_id = patient_id_of(subject_of(match))
    if patient_id is not None:
        if not Patient.objects.visible_to(user).filter(pk=patient_id).exists():
            raise Http404
        if not Patient.objects.in_care_of(user).filter(pk=patient_id).exists():
            raise PermissionDenied
    if not right.belongs_to(user):
        raise PermissionDenied


def subject_of(match: ResolverMatch) -> Model | None:
    """Return the row that the address names; None when it names none, or one that does not exist."""
    for name, value in match.kwargs.items():
        model = OF_THE_API.get(match.url_name.partition("-")[0]) if name == "pk" and match.url_name else SUBJECTS.get(name)
        if model is not None:
            rows = model._default_manager.all()
            if model in (Photo, PhonePairing):
                rows = rows.select_related("visit").only("id", "visit__patient_id")
            try:
                return rows.filter(pk=value if isinstance(value, UUID) else UUID(value)).first()
            except ValueError:  # no id at all: the view says 404
                return None
    return None


def has_shown(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether something was shown: a redirect and an error show nothing."""
    return hasattr(request, "came_through") and response.status_code < 300


def has_changed(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether something was changed. A page that answers a form with 200 shows what is wrong with it."""
    if not hasattr(request, "came_through") or hasattr(request, "left_unchanged") or response.status_code >= 400:
        return False
    return response.status_code != 200 or not is_page(response) or request.headers.get("HX-Request") == "true"


def has_shown_instead(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a change was answered with what it would have changed: it was refused, came too late, or has mistakes."""
    if not hasattr(request, "came_through"):
        return False
    if hasattr(request, "left_unchanged") and response.status_code < 300:  # a card, or JSON
        return True
    if not is_page(response):
        return False
    has_mistakes = response.status_code == HTTPStatus.OK and request.headers.get("HX-Request") != "true"
    return has_mistakes or response.status_code == HTTPStatus.CONFLICT


def has_shown_without_line(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a page was shown by a view that writes its own lines, and wrote none."""
    return has_shown(request, response) and is_page(response) and not hasattr(request, "has_line")


def is_page(response: HttpResponseBase) -> bool:
    """Whether the answer is HTML: a page, or a part of one."""
    return response.headers.get("Content-Type", "").startswith("text/html")


def leave_unchanged(request: HttpRequest) -> None:
    """Let a view say that it refused: its answer looks like that to a change, and no line shall tell of one."""
    request.left_unchanged = True  # type: ignore[attr-defined]  # kept on the request for the gate


def note(request: HttpRequest, rule: Rule, action: AccessLog.Action, subject: Model | None) -> None:
    """Write the line."""
    record_access(request, action, obj=subject, again_after=POLLED_AGAIN_AFTER if rule.is_renewal(request) else None)
