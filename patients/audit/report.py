"""Who accessed a patient's data, in words that a patient can be shown."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from patients.models import AccessLog, BreakGlass, Patient, User

PAGE = 100


@dataclass(frozen=True)
class AccessEntry:
    """One entry of the access log, as shown.

    `who` is empty for the system itself. `reason` is that of an emergency access, where it begins; it is empty for a reader who
    does not look after the patient.
    """

    at: datetime
    who: str
    what: str
    kind: str
    in_emergency: bool
    by_program: bool
    reason: str


def access_entries(patient: Patient, reader: User, with_pictures: bool, page: int) -> tuple[list[AccessEntry], bool]:
    """Return one page of entries for `reader`, newest first, and whether there are older ones. Three queries."""
    entries = AccessLog.objects.about(patient)
    if not with_pictures:
        entries = entries.without_pictures()
    found = list(entries[page * PAGE : (page + 1) * PAGE + 1])
    names = dict(User.objects.filter(pk__in={entry.actor_id for entry in found}).values_list("pk", "display_name"))
    # Reasons are for regular care: emergency access to the patient does not show the reasons of others.
    own = Patient.objects.in_care_of(reader).filter(pk=patient.pk)
    accesses = BreakGlass.objects.filter(patient__in=own, pk__in=[_break_glass_id(entry) for entry in found])
    reasons = dict(accesses.values_list("pk", "reason"))
    kinds = {"visit": _("a visit"), "photo": _("a photo"), "event": _("an event"), "user": _("a clinician"), "team": _("a team")}
    shown = [
        AccessEntry(
            entry.at,
            names.get(entry.actor_id, _("a deleted account")) if entry.actor_id else "",
            entry.get_action_display(),
            kinds.get(entry.object_kind, _("the record")),
            "glass" in entry.detail,
            "key" in entry.detail,
            reasons.get(_break_glass_id(entry), "") if entry.action == AccessLog.Action.BREAK_GLASS else "",
        )
        for entry in found[:PAGE]
    ]
    return shown, len(found) > PAGE


def _break_glass_id(entry: AccessLog) -> int:
    """Return the id of the emergency access that the entry names; 0 when it names none."""
    number = entry.detail.get("glass")
    return number if isinstance(number, int) else 0
