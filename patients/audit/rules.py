"""Who comes through at which address, and which line a request leaves in the access log. An address without a rule is closed.

Whether somebody sees one particular patient is not said here: `Patient.objects.visible_to` says it, and the rest is 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest

from patients.models import AccessLog, User

Action = AccessLog.Action
SAFE = ("GET", "HEAD", "OPTIONS")


class Who(Enum):
    """Whom a rule lets through."""

    NOBODY = "nobody"
    ANYBODY = "anybody"  # also without signing in
    PEOPLE = "people"  # whoever signed in
    CARE = "care"
    LEAD = "lead"
    RESEARCH = "research"
    ADMINISTRATION = "administration"
    REVIEW = "review"  # leads and administrators

    def includes(self, user: User) -> bool:
        """Whether the signed-in `user` belongs to these."""
        match self:
            case Who.CARE:
                return user.is_clinician
            case Who.LEAD:
                return user.leads
            case Who.RESEARCH:
                return user.is_researcher
            case Who.ADMINISTRATION:
                return user.is_administrator
            case Who.REVIEW:
                return user.is_administrator or user.leads
            case _:
                return self is not Who.NOBODY


class Right(Enum):
    """What a role alone does not give. With a patient it takes their regular care: an emergency access is not enough."""

    EXPORT = "may_export"
    ERASE = "may_erase"
    ASSIGN = ""  # whoever looks after the patient: also to move or erase what belongs to one

    def belongs_to(self, user: User) -> bool:
        """Whether `user` was given it."""
        return not self.value or bool(getattr(user, self.value))


@dataclass(frozen=True)
class Rule:
    """One address: whom it is for, and the action that a request to it is.

    `reads` is for GET, `changes` for everything else; None where the view writes its own line, together with what it changes, or
    where nothing of a patient is shown. A page that asks for itself again and again is `polled`: one line in five minutes.
    """

    who: Who
    reads: Action | None = None
    changes: Action | None = None
    right: Right | None = None
    polled: bool = False

    def right_for(self, method: str | None) -> Right | None:
        """Return the right that a request takes: a program that erases needs the one that the page for it asks for."""
        return Right.ASSIGN if method == "DELETE" and self.right is None else self.right

    def action(self, request: HttpRequest) -> Action | None:
        """Return the action that this request is; None when it leaves no line."""
        if request.method not in SAFE:
            return Action.DELETE if request.method == "DELETE" else self.changes
        return None if request.method == "OPTIONS" else self.reads

    def is_renewal(self, request: HttpRequest) -> bool:
        """Whether the request may renew what was just looked at: then a line of the last five minutes is enough.

        A list that htmx narrows while somebody types is one look. It must not go without a line: any program can send that header.
        """
        return self.polled or (self.reads is Action.LIST and request.headers.get("HX-Request") == "true")


VIEWED = Rule(Who.CARE, Action.VIEW)
EDITED = Rule(Who.CARE, Action.VIEW, Action.EDIT)
POLLED = Rule(Who.CARE, Action.VIEW, polled=True)
PICTURE = Rule(Who.CARE, Action.IMAGE)
OWN_LINE = Rule(Who.CARE)
EXPORTED = Rule(Who.CARE, Action.EXPORT, right=Right.EXPORT)
ADMINISTRATION = Rule(Who.ADMINISTRATION)
MOVED = Rule(Who.CARE, Action.VIEW, right=Right.ASSIGN)  # in an emergency nothing is taken to another; the view adds a LIST line
REMOVED = Rule(Who.CARE, changes=Action.DELETE, right=Right.ASSIGN)  # an emergency is no reason to erase
PEOPLE = Rule(Who.PEOPLE)
ANYBODY = Rule(Who.ANYBODY)
NOBODY = Rule(Who.NOBODY)

PAGES: dict[str, Rule] = {
    "list": Rule(Who.CARE, Action.LIST),
    "add": OWN_LINE,
    "detail": VIEWED,
    "edit": EDITED,
    "add_visit": Rule(Who.CARE, Action.VIEW, Action.ADD),
    "consents": VIEWED,
    "give_consent": Rule(Who.CARE, right=Right.ASSIGN),  # a withdrawal queues an erasure, and a new consent stops it
    "withdraw_consent": Rule(Who.CARE, right=Right.ASSIGN),
    "patient_csv": EXPORTED,
    "visit_csv": EXPORTED,
    "add_event": Rule(Who.CARE, Action.VIEW, Action.ADD),
    "care": VIEWED,
    "assign": Rule(Who.CARE, right=Right.ASSIGN),
    "unassign": Rule(Who.CARE, right=Right.ASSIGN),
    "access_log": VIEWED,
    "patient_zip": EXPORTED,
    "erase": Rule(Who.CARE, Action.VIEW, right=Right.ERASE),
    "emergency": OWN_LINE,
    "end_emergency": OWN_LINE,
    "emergency_reviews": Rule(Who.REVIEW, Action.LIST),
    "review_emergency": Rule(Who.REVIEW),
    "edit_event": EDITED,
    "delete_event": REMOVED,
    "choose_baseline": EDITED,
    "read_again": Rule(Who.CARE, changes=Action.RETRY),
    "compare": VIEWED,
    "visit": VIEWED,
    "visit_state": POLLED,
    "move_visit": MOVED,
    "move_photos": MOVED,
    "keep_dates": OWN_LINE,
    "offer_to_phone": OWN_LINE,
    "phone_pairing": POLLED,
    "end_phone_pairing": Rule(Who.CARE, changes=Action.EDIT),
    "edit_visit": EDITED,
    "save_note": Rule(Who.CARE, changes=Action.EDIT),
    "save_self_report": Rule(Who.CARE, changes=Action.EDIT),
    "add_photo": OWN_LINE,
    "photo": VIEWED,
    "photo_card": POLLED,
    "photo_reading": POLLED,
    "save_photo_note": Rule(Who.CARE, changes=Action.EDIT),
    "save_label": OWN_LINE,
    "patient_agreement": VIEWED,
    "agreement": Rule(Who.CARE, Action.LIST),
    "choose_face": Rule(Who.CARE, changes=Action.CHOOSE_FACE),
    "exclude_photo": Rule(Who.CARE, changes=Action.EXCLUDE),
    "include_photo": Rule(Who.CARE, changes=Action.INCLUDE),
    "retry_photo": Rule(Who.CARE, changes=Action.RETRY),
    "dismiss_photo": Rule(Who.CARE, changes=Action.DISMISS),
    "delete_photo": REMOVED,
    "photo_image": PICTURE,
    "photo_preview": PICTURE,
    "photo_input": PICTURE,
    "photo_map": PICTURE,
    "photo_face": PICTURE,
    "explain_photo": Rule(Who.CARE, changes=Action.EXPLAIN),
    "explanation": POLLED,
    "data_dictionary": PEOPLE,
    "model_card": PEOPLE,
    "model_report": PEOPLE,
    "people": ADMINISTRATION,
    "invite": ADMINISTRATION,
    "person": ADMINISTRATION,
    "invitation": ADMINISTRATION,
    "reset_factor": ADMINISTRATION,
    "hand_over": ADMINISTRATION,
    "teams": Rule(Who.REVIEW),
    "add_team": ADMINISTRATION,
    "team": Rule(Who.REVIEW),
    "join_team": Rule(Who.REVIEW),
    "leave_team": Rule(Who.REVIEW),
    "health": ADMINISTRATION,
    "research": Rule(Who.RESEARCH),
    "research_csv": Rule(Who.RESEARCH, Action.EXPORT, right=Right.EXPORT),
    "settings": PEOPLE,
    "end_session": PEOPLE,
    "theme": PEOPLE,
    "tour": PEOPLE,
    "session": ANYBODY,
    "draft": PEOPLE,
}
"""The pages, by the names in patients/urls.py."""

INTERFACE: dict[str, Rule] = {
    "patient-list": Rule(Who.CARE, Action.LIST),
    "patient-detail": VIEWED,  # writes its own line of a change
    "patient-csv": EXPORTED,
    "patient-timeline": VIEWED,
    "patient-visits": Rule(Who.CARE, Action.VIEW, Action.ADD),
    "visit-detail": EDITED,
    "visit-csv": EXPORTED,
    "visit-photos": POLLED,
    "photo-detail": POLLED,
    "photo-choose-face": Rule(Who.CARE, changes=Action.CHOOSE_FACE),
    "photo-retry": Rule(Who.CARE, changes=Action.RETRY),
    "schema": PEOPLE,
    "docs": PEOPLE,
}
"""The REST interface, by the names in patients/api/urls.py."""

PHONE: dict[str, Rule] = {
    "start": ANYBODY,
    "photos": ANYBODY,
    "done": ANYBODY,
    "over": ANYBODY,
}
"""A phone that was handed a visit: its code and its cookie let it in, and it is shown nothing of the patient."""

DOOR: dict[str, Rule] = {
    "home": PEOPLE,
    "healthz": ANYBODY,
    "readyz": ANYBODY,
    "account_login": ANYBODY,
    "account_logout": ANYBODY,
    "account_inactive": ANYBODY,
    "account_signup": ANYBODY,  # says that it is closed
    "account_reset_password": ANYBODY,
    "account_reset_password_done": ANYBODY,
    "account_reset_password_from_key": ANYBODY,
    "account_reset_password_from_key_done": ANYBODY,
    "account_confirm_login_code": ANYBODY,  # leads to sign-in: no codes are sent
    "account_email": NOBODY,
    "account_email_verification_sent": NOBODY,
    "account_confirm_email": NOBODY,
    "account_reauthenticate": PEOPLE,
    "account_change_password": PEOPLE,
    "account_set_password": PEOPLE,
    "usersessions_list": PEOPLE,
    "mfa_index": PEOPLE,
    "mfa_authenticate": ANYBODY,
    "mfa_login_webauthn": ANYBODY,
    "mfa_reauthenticate": PEOPLE,
    "mfa_activate_totp": PEOPLE,
    "mfa_deactivate_totp": PEOPLE,
    "mfa_view_recovery_codes": PEOPLE,
    "mfa_generate_recovery_codes": PEOPLE,
    "mfa_download_recovery_codes": PEOPLE,
    "mfa_list_webauthn": PEOPLE,
    "mfa_add_webauthn": PEOPLE,
    "mfa_reauthenticate_webauthn": PEOPLE,
    "mfa_remove_webauthn": PEOPLE,
    "mfa_edit_webauthn": PEOPLE,
}
"""Sign-in and one's own account, by the names in clinic/urls.py and of allauth."""

RULES: dict[str, Rule] = (
    {f"patients:{name}": rule for name, rule in PAGES.items()}
    | {f"api:{name}": rule for name, rule in INTERFACE.items()}
    | {f"phone:{name}": rule for name, rule in PHONE.items()}
    | DOOR
)
