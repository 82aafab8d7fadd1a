"""Who looked at a patient's data, in words a patient can be shown."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from patients.models import AccessLog, Patient, User

PAGE = 100


@dataclass(frozen=True)
class LookLine:
    """One line of the access log. `who` is empty for the system itself."""

    at: datetime
    who: str
    what: str
    kind: str
    in_emergency: bool
    by_program: bool


def look_lines(patient: Patient, with_pictures: bool, page: int) -> tuple[list[LookLine], bool]:
    """Return one page of lines, newest first, and whether there are older ones. Two queries."""
    lines = AccessLog.objects.about(patient)
    if not with_pictures:
        lines = lines.without_pictures()
    found = list(lines[page * PAGE : (page + 1) * PAGE + 1])
    names = dict(User.objects.filter(pk__in={line.actor_id for line in found}).values_list("pk", "display_name"))
    kinds = {"visit": _("a visit"), "photo": _("a photo"), "event": _("an event"), "user": _("a clinician"), "team": _("a team")}
    shown = [
        LookLine(
            line.at,
            names.get(line.actor_id, _("somebody who is gone")) if line.actor_id else "",
            line.get_action_display(),
            kinds.get(line.object_kind, _("the record")),
            "glass" in line.detail,
            "key" in line.detail,
        )
        for line in found[:PAGE]
    ]
    return shown, len(found) > PAGE
