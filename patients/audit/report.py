"""Who looked at a patient's data, in words a patient can be shown."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from patients.models import AccessLog, BreakGlass, Patient, User

PAGE = 100


@dataclass(frozen=True)
class AccessEntry:
    """One line of the access log. `who` is empty for the system itself; `reason` is there where an emergency access begins.

    It stays empty for a reader who does not look after the patient.
    """

    at: datetime
    who: str
    what: str
    kind: str
    in_emergency: bool
    by_program: bool
    reason: str


def access_entries(patient: Patient, reader: User, with_pictures: bool, page: int) -> tuple[list[AccessEntry], bool]:
    """Return one page of lines for `reader`, newest first, and whether there are older ones. Three queries."""
    lines = AccessLog.objects.about(patient)
    if not with_pictures:
        lines = lines.without_pictures()
    found = list(lines[page * PAGE : (page + 1) * PAGE + 1])
    names = dict(User.objects.filter(pk__in={line.actor_id for line in found}).values_list("pk", "display_name"))
    # Whoever opens the patient in an emergency themselves is none of those who were said to read a reason.
    own = Patient.objects.in_care_of(reader).filter(pk=patient.pk)
    glasses = BreakGlass.objects.filter(patient__in=own, pk__in=[_glass(line) for line in found])
    reasons = dict(glasses.values_list("pk", "reason"))
    kinds = {"visit": _("a visit"), "photo": _("a photo"), "event": _("an event"), "user": _("a clinician"), "team": _("a team")}
    shown = [
        AccessEntry(
            line.at,
            names.get(line.actor_id, _("somebody who is gone")) if line.actor_id else "",
            line.get_action_display(),
            kinds.get(line.object_kind, _("the record")),
            "glass" in line.detail,
            "key" in line.detail,
            reasons.get(_glass(line), "") if line.action == AccessLog.Action.BREAK_GLASS else "",
        )
        for line in found[:PAGE]
    ]
    return shown, len(found) > PAGE


def _glass(line: AccessLog) -> int:
    """Return the number of the emergency access that the line names; 0 when it names none."""
    number = line.detail.get("glass")
    return number if isinstance(number, int) else 0
