"""What a view did with a request, in the view's own words: AccessMiddleware logs by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar, cast
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from rest_framework.request import Request

Row = TypeVar("Row", bound=Model)


@dataclass
class AccessOutcome:
    """What became of a request that reached its view: what the rule of the address says, unless the view says otherwise."""

    is_unchanged: bool = False  # the view refused the change
    is_shown: bool = False  # and shows what it would have changed
    has_entry: bool = False  # record_access added one for this request
    made: Model | None = None  # the new row, where the address only names what it belongs to
    listed: set[UUID] = field(default_factory=set)  # the patients whom the answer shows beside the subject of its address
    found: Model | None = None  # the row that the view fetched by its id


class AdmittedRequest(HttpRequest):
    """A request that its rule let in."""

    access_outcome: AccessOutcome


def admit(request: HttpRequest) -> None:
    """Give the request its outcome: from now on the view can say what it does."""
    cast(AdmittedRequest, request).access_outcome = AccessOutcome()


def outcome_of(request: object) -> AccessOutcome | None:
    """Return the outcome of a request; None for one that has not reached its view, and where there is no request."""
    return getattr(request, "access_outcome", None)


def unchanged(request: AdmittedRequest | Request, *, is_shown: bool) -> None:
    """Say that nothing was changed.

    With `is_shown` the answer shows what would have been changed, as a page or as data: that is an access, logged as VIEW. Without,
    it is a redirect or a sentence, and nothing is logged.
    """
    outcome = cast(AdmittedRequest, request).access_outcome  # a request of the API hands on what its HttpRequest has
    outcome.is_unchanged, outcome.is_shown = True, is_shown


def shows_nothing(request: AdmittedRequest | Request) -> None:
    """Say that the answer shows nothing of the patient and that nothing was changed: no entry is needed now."""
    cast(AdmittedRequest, request).access_outcome.has_entry = True


def made(request: AdmittedRequest | Request, row: Model) -> None:
    """Say which row is new: the entry names it."""
    cast(AdmittedRequest, request).access_outcome.made = row


def found(request: AdmittedRequest, row: Row) -> Row:
    """Return the row, and keep it with the request: the entry about it needs no query of its own."""
    request.access_outcome.found = row
    return row


def lists(request: AdmittedRequest | Request, patient_ids: Iterable[UUID]) -> None:
    """Say which patients the answer shows: each gets an entry. For every page of more than one patient."""
    outcome = outcome_of(request)
    if outcome is not None:
        outcome.listed |= set(patient_ids)
