"""Whom an address is for, and which entry a request to it adds to the access log.

A rule says nothing about one particular patient: `Patient.objects.visible_to` decides that, and any other patient is 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest

from patients.models import AccessLog, User

Action = AccessLog.Action
SAFE = ("GET", "HEAD", "OPTIONS")


class Who(Enum):
    """Whom a rule lets in."""

    NO_ONE = "no one"
    ANYONE = "anyone"  # signed in or not
    SIGNED_IN = "signed in"
    CLINICIANS = "clinicians"
    RESEARCHERS = "researchers"
    ADMINISTRATORS = "administrators"
    STUDY_PEOPLE = "clinicians and researchers"
    REVIEWERS = "reviewers"  # team leads and administrators

    def includes(self, user: User) -> bool:
        """Whether the signed-in `user` is one of them."""
        match self:
            case Who.CLINICIANS:
                return user.is_clinician
            case Who.RESEARCHERS:
                return user.is_researcher
            case Who.STUDY_PEOPLE:
                return user.is_clinician or user.is_researcher
            case Who.ADMINISTRATORS:
                return user.is_administrator
            case Who.REVIEWERS:
                return user.is_administrator or user.leads
            case _:
                return self is not Who.NO_ONE


class Right(Enum):
    """What a role alone does not grant. At a patient's address it also takes regular care: emergency access is not enough."""

    EXPORT = "may_export"
    ERASE = "may_erase"
    ASSIGN = ""  # everyone in regular care has it; moving and deleting a patient's data takes it too

    def belongs_to(self, user: User) -> bool:
        """Whether `user` was granted it."""
        return not self.value or bool(getattr(user, self.value))


@dataclass(frozen=True)
class Rule:
    """Whom one address is for, and what a request to it does.

    `reads` is the action of a GET, `changes` that of any other method. None means that the view adds the entry itself, in the
    transaction of its change, or that no patient data is shown. A `polled` address adds one entry in five minutes.
    `right_to_change` is for an address of the API that both shows and changes: only the change needs it.
    """

    who: Who
    reads: Action | None = None
    changes: Action | None = None
    right: Right | None = None
    polled: bool = False
    right_to_change: Right | None = None

    def right_for(self, method: str | None) -> Right | None:
        """Return the right that the request needs. DELETE through the API needs the one that the page for deleting asks for."""
        if method == "DELETE" and self.right is None:
            return Right.ASSIGN
        return self.right if method in SAFE else self.right_to_change or self.right

    def action(self, request: HttpRequest) -> Action | None:
        """Return the action to log for the request; None when there is none."""
        if request.method not in SAFE:
            return Action.DELETE if request.method == "DELETE" else self.changes
        return None if request.method == "OPTIONS" else self.reads

    def is_renewal(self, action: Action) -> bool:
        """Whether an entry of the last five minutes also covers this one: of an address that polls. A change is never covered."""
        return self.polled and action is self.reads


def change(action: Action) -> Rule:
    """Return the rule of an address where clinicians change one thing."""
    return Rule(Who.CLINICIANS, changes=action)


NO_ONE = Rule(Who.NO_ONE)
ANYONE = Rule(Who.ANYONE)
SIGNED_IN = Rule(Who.SIGNED_IN)
ADMINISTRATORS = Rule(Who.ADMINISTRATORS)
REVIEWERS = Rule(Who.REVIEWERS)
REVIEWS = Rule(Who.REVIEWERS, Action.LIST)
RESEARCHERS = Rule(Who.RESEARCHERS)
RESEARCH_EXPORT = Rule(Who.RESEARCHERS, Action.EXPORT, right=Right.EXPORT)
STUDIES_LISTED = Rule(Who.STUDY_PEOPLE, Action.LIST)
STUDY_VIEWED = Rule(Who.STUDY_PEOPLE, Action.VIEW)  # a change adds its own entry
STUDY_POLLED = Rule(Who.STUDY_PEOPLE, Action.VIEW, polled=True)
STUDY_EXPORTED = Rule(Who.STUDY_PEOPLE, right=Right.EXPORT)
STUDY_ADDED = Rule(Who.STUDY_PEOPLE)
OWN_KEYS = Rule(Who.STUDY_PEOPLE)  # an administrator's key would reach nothing

OWN_TASKS = Rule(Who.SIGNED_IN, Action.LIST)  # a download adds entries of its own
OWN_NOTICES = Rule(Who.SIGNED_IN, Action.LIST)
LISTED = Rule(Who.CLINICIANS, Action.LIST)
VIEWED = Rule(Who.CLINICIANS, Action.VIEW)
POLLED = Rule(Who.CLINICIANS, Action.VIEW, polled=True)
POLLED_OR_EDITED = Rule(Who.CLINICIANS, Action.VIEW, Action.EDIT, polled=True)
PICTURE = Rule(Who.CLINICIANS, Action.IMAGE)
ADDED = Rule(Who.CLINICIANS, Action.VIEW, Action.ADD)
EDITED = Rule(Who.CLINICIANS, Action.VIEW, Action.EDIT)
# Emergency access is for looking after a patient: it does not change who that is.
IDENTITY = Rule(Who.CLINICIANS, Action.VIEW, Action.EDIT, right=Right.ASSIGN)
IDENTITY_BY_PROGRAM = Rule(Who.CLINICIANS, Action.VIEW, right_to_change=Right.ASSIGN)  # a change adds its own entry
EXPORTED = Rule(Who.CLINICIANS, Action.EXPORT, right=Right.EXPORT)
REPORTED = Rule(Who.CLINICIANS, Action.VIEW, right=Right.EXPORT)  # the page shows it; the download of its PDF is the export
OWN_EXPORT = Rule(Who.CLINICIANS, right=Right.EXPORT)  # the view adds an entry for each patient, or the download that follows

OWN_ENTRY = Rule(Who.CLINICIANS)
OPENED_OR_ADDED = Rule(Who.CLINICIANS, Action.VIEW)  # a photo that is added has an entry of its own
SHOWN_OR_BY_CARE_TEAM = Rule(Who.CLINICIANS, Action.VIEW, right_to_change=Right.ASSIGN)  # a change adds its own entry
CARE_TEAM = Rule(Who.CLINICIANS, right=Right.ASSIGN)  # for consent too: a withdrawal queues an erasure
# Emergency access is for looking after a patient: it neither deletes, nor erases, nor gives data to another patient.
DELETED = Rule(Who.CLINICIANS, changes=Action.DELETE, right=Right.ASSIGN)
ERASED = Rule(Who.CLINICIANS, Action.VIEW, right=Right.ERASE)
MOVED = Rule(Who.CLINICIANS, Action.VIEW, right=Right.ASSIGN)
