"""Checks every request against the rule of its address, and logs the access. What cannot be logged is neither shown nor changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from patients.audit.addresses import rule_for
from patients.audit.log import POLLED_AGAIN_AFTER, patient_id_of, record_access, record_for_each
from patients.audit.outcome import admit, outcome_of
from patients.audit.phrases import PAGES
from patients.audit.rules import SAFE, Rule, Who
from patients.models import AccessLog, Draft, Event, Import, Patient, PhonePairing, Photo, Study, User, Visit
from patients.models.patient import cared_for

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SUBJECTS: dict[str, type[Model]] = {
    "patient_id": Patient,
    "visit_id": Visit,
    "photo_id": Photo,
    "event_id": Event,
    "phone_pairing_id": PhonePairing,
    "import_id": Import,
    "study_id": Study,
}
"""What an address names, by the name of its part; the API leaves out `_id`."""


class AccessMiddleware:
    """Comes last, right before the views."""

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
        return self._read(request, rule, match) if request.method in SAFE else self._change(request, rule, match)

    def _read(self, request: HttpRequest, rule: Rule, match: ResolverMatch) -> HttpResponseBase:
        action = rule.action(request)
        response = self.get_response(request)
        outcome = outcome_of(request)
        if action and outcome and response.status_code < 300:  # a redirect and an error show nothing
            log_access(request, rule, action, subject_of(match, outcome.found), match)
        log_listed(request, response)
        return response

    def _change(self, request: HttpRequest, rule: Rule, match: ResolverMatch) -> HttpResponseBase:
        action = rule.action(request)
        if action is None:  # the view adds the entry, in the transaction of its change
            subject, response = None, self.get_response(request)
        else:
            subject = subject_of(match)  # before the view: it may delete it
            with transaction.atomic():  # the change and its entry, or neither
                response = self.get_response(request)
                if has_changed(request, response):
                    log_access(request, rule, action, subject, match)
                    if isinstance(request.user, User):
                        Draft.forget(request.user, request.path)
                elif response.status_code >= 400:
                    transaction.set_rollback(True)
        # Outside the transaction: a rollback must not undo this entry.
        if has_shown_instead(request, action, response) and (shown := subject or subject_of(match)):
            log_access(request, rule, AccessLog.Action.VIEW, shown, match)
        log_listed(request, response)
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
        if "api" not in match.app_names:  # the API knows the caller only once it has read the key: patients/api/permission.py
            check(rule, request.user if isinstance(request.user, User) else None, match, request.method)
        admit(request)


def check(rule: Rule, user: User | None, match: ResolverMatch, method: str | None) -> None:
    """Return when the rule lets `user` in (None: not signed in). Raises Http404 or PermissionDenied."""
    if user is None:
        if rule.who is not Who.ANYONE:
            raise Http404
        return
    if not rule.who.includes(user):
        raise Http404
    right = rule.right_for(method)
    if right is None:
        return
    patient_id = patient_named(match)
    if patient_id is not None:
        in_care = ExpressionWrapper(cared_for(user, "pk"), BooleanField())
        care = Patient.objects.sought_by(user).filter(pk=patient_id).values_list(in_care).first()
        if care is None:
            raise Http404
        if care == (False,):
            raise PermissionDenied
    if not right.belongs_to(user):
        raise PermissionDenied


def subject_of(match: ResolverMatch, found: Model | None = None) -> Model | None:
    """Return the row that the address names; None when it names none, or a row that does not exist.

    No query where the view has `found` that row.
    """
    for name, value in match.kwargs.items():
        model = SUBJECTS.get(name if name in SUBJECTS else f"{name}_id")
        if model is not None:
            if isinstance(found, model) and str(found.pk) == str(value):
                return found
            rows = model._default_manager.all()
            if model in (Photo, PhonePairing):
                rows = rows.select_related("visit").only("id", "visit__patient_id")
            try:
                return rows.filter(pk=value if isinstance(value, UUID) else UUID(value)).first()
            except ValueError:  # not an id: the view answers 404
                return None
    return None


def patient_named(match: ResolverMatch) -> UUID | None:
    """Return the id of the patient whom the address names, who need not exist, or of the row that it names; None for none."""
    named = match.kwargs.get("patient_id")
    return named if isinstance(named, UUID) else patient_id_of(subject_of(match))


def has_changed(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the view did what the rule of its address says."""
    outcome = outcome_of(request)
    return outcome is not None and not outcome.is_unchanged and response.status_code < 400


def has_shown_instead(request: HttpRequest, action: AccessLog.Action | None, response: HttpResponseBase) -> bool:
    """Whether the view shows what it was asked to change: it says so, or it should have added an entry itself and did not."""
    outcome = outcome_of(request)
    if outcome is None:
        return False
    return outcome.is_shown or (action is None and response.status_code < 300 and not outcome.has_entry)


def log_listed(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add an entry for each patient whom the answer lists, in one statement. A redirect and a fault show none.

    What the same person saw in a list within the last five minutes has its entry: a search is asked for again with every letter.
    """
    outcome = outcome_of(request)
    is_shown = response.status_code < 300 or 400 <= response.status_code < 500
    if outcome is not None and outcome.listed and is_shown:
        record_for_each(request, AccessLog.Action.LIST, outcome.listed, POLLED_AGAIN_AFTER)


def log_access(request: HttpRequest, rule: Rule, action: AccessLog.Action, subject: Model | None, match: ResolverMatch) -> None:
    """Add the entry; none where one of the last minutes covers the request, and for a list of patients, who have entries each."""
    outcome, page = outcome_of(request), (match.url_name or "").replace("-", "_")
    if action is AccessLog.Action.LIST and outcome and outcome.listed:
        return
    row = outcome.made if outcome and outcome.made else subject
    again_after = POLLED_AGAIN_AFTER if rule.is_renewal(action) else None
    if page in PAGES:
        record_access(request, action, obj=row, again_after=again_after, page=page)
    else:
        record_access(request, action, obj=row, again_after=again_after)
