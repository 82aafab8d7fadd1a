"""Tells people about their patients, their team and their account: on the page Notices, and by mail without naming a patient."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import CareRequest, Notice, Patient, Team, User

log = logging.getLogger(__name__)

SHOWN = 100
SENTENCES: dict[str, str | Promise] = {
    "assigned": gettext_lazy("%(by)s gave %(about)s access to a patient in your care."),
    "team_assigned": gettext_lazy("%(by)s gave the team %(team)s access to a patient in your care."),
    "unassigned": gettext_lazy("%(by)s removed %(about)s from the care team of a patient."),
    "team_unassigned": gettext_lazy("%(by)s removed the team %(team)s from the care team of a patient."),
    "responsible": gettext_lazy("%(by)s made %(about)s the responsible clinician of a patient."),
    "joined": gettext_lazy("%(by)s added %(about)s to the team %(team)s."),
    "lead": gettext_lazy("%(by)s made %(about)s a lead of the team %(team)s."),
    "no_lead": gettext_lazy("%(by)s took the lead of the team %(team)s from %(about)s."),
    "left": gettext_lazy("%(by)s removed %(about)s from the team %(team)s."),
    "rights": gettext_lazy("%(by)s changed the name, role or permissions of %(about)s."),
    "factor_reset": gettext_lazy("%(by)s reset the two-factor sign-in of %(about)s."),
    "invited": gettext_lazy("%(by)s invited %(about)s."),
    "invitation_shown": gettext_lazy("%(by)s was shown the invitation link of %(about)s."),
    "emergency": gettext_lazy("%(by)s opened the record of a patient in an emergency."),
    "log_fault": gettext_lazy("The nightly check of the access log found a fault. See Health."),
}
"""What happened. %(by)s did it to %(about)s."""
REQUESTS: dict[str, str | Promise] = {
    "asked": gettext_lazy("%(by)s asks for your decision: %(what)s"),
    "confirmed": gettext_lazy("%(by)s confirmed: %(what)s"),
    "declined": gettext_lazy("%(by)s declined: %(what)s"),
    "withdrawn": gettext_lazy("%(by)s withdrew the request: %(what)s"),
}


@dataclass(frozen=True)
class Told:
    """What happened, and to what. A notice of each person holds it."""

    kind: str
    by: User | None = None
    about: User | None = None
    team: Team | None = None
    patient: Patient | None = None
    care_request: CareRequest | None = None


def tell(people: Iterable[User], told: Told) -> None:
    """Give each of `people` who can sign in a notice, but not the person who did it. Mails follow after commit."""
    receivers = {person.pk: person for person in people if person.is_active and person != told.by}
    facts = {
        "kind": told.kind,
        "by": told.by,
        "about": told.about,
        "team": told.team,
        "patient": told.patient,
        "care_request": told.care_request,
    }
    notices = [Notice(person=person, **facts) for person in receivers.values()]
    Notice.objects.bulk_create(notices)
    if settings.HAS_MAIL and notices:
        transaction.on_commit(lambda: _mail(notices), robust=True)


def carers_of(patients: QuerySet[Patient] | Patient) -> QuerySet[User]:
    """Return the active clinicians assigned to any of the patients, and all members of their teams."""
    keys = [patients.pk] if isinstance(patients, Patient) else patients.values("pk")
    team = Q(memberships__team__assignments__patient__in=keys)
    return User.objects.filter(Q(assignments__patient__in=keys) | team, is_active=True, role=User.Role.CLINICIAN).distinct()


def administrators() -> QuerySet[User]:
    """Return the administrators who can sign in."""
    return User.objects.filter(is_active=True, role=User.Role.ADMINISTRATOR)


def words_of(notice: Notice) -> str:
    """Return what happened, in the language of the reader. No patient is named."""
    by = notice.by.display_name if notice.by else "Affectline"
    if notice.care_request and notice.kind in REQUESTS:
        return str(REQUESTS[notice.kind]) % {"by": by, "what": words_of_request(notice.care_request)}
    about = notice.about.display_name if notice.about else ""
    named = {"by": by, "about": about, "team": notice.team.name if notice.team else ""}
    return str(SENTENCES[notice.kind]) % named


def words_of_request(request: CareRequest) -> str:
    """Return what would happen if it was confirmed. No patient is named."""
    to = request.to.display_name
    if request.kind == CareRequest.Kind.HAND_OVER and request.source:
        return _("%(to)s gets access to all patients of %(source)s.") % {"to": to, "source": request.source.display_name}
    if request.kind == CareRequest.Kind.JOIN and request.team:
        return _("%(to)s joins the team %(team)s and sees its patients.") % {"to": to, "team": request.team.name}
    return _("%(to)s becomes the responsible clinician of a patient.") % {"to": to}


def notices_of(person: User) -> list[Notice]:
    """Return the newest notices of the person, with all that their words need. One query."""
    related = ("by", "about", "team", "patient", "care_request__to", "care_request__source", "care_request__team")
    return list(Notice.objects.filter(person=person).select_related(*related)[:SHOWN])


def mark_read(person: User) -> None:
    """Mark every notice of the person as read."""
    Notice.objects.unread().filter(person=person).update(read_at=timezone.now())


def _mail(notices: list[Notice]) -> None:
    """Mail each notice to its person, in their language, over one connection."""
    adapter, mails = get_adapter(), []
    for notice in notices:
        with translation.override(notice.person.language or settings.LANGUAGE_CODE):
            context = {"name": notice.person.display_name, "words": words_of(notice)}
            mails.append(adapter.render_mail("account/email/notice", notice.person.email, context))
    try:
        get_connection().send_messages(mails)
    except OSError:
        log.warning("%d notices were not mailed: the mail server did not take them", len(mails))
