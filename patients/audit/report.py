"""Who accessed a patient's data, in words that a patient can be shown: entries that belong together are one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from string import Formatter

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.audit.named import Named, Part
from patients.audit.phrases import phrase, phrase_key
from patients.models import AccessLog, BreakGlass, Patient, User
from patients.models.access import AccessLogQuerySet
from patients.models.formats import clock, long_day
from patients.models.patient import cared_for

LINES = 50
"""A page ends with the first pause after so many lines."""
READ_AT_ONCE = 600
"""No page has more entries: someone who works all day without a pause gets a second page."""
PAUSE = timedelta(minutes=30)

Key = tuple[object, ...]


@dataclass
class Line:
    """One line: entries of the same person, action and visit, newest first, without a pause of 30 minutes."""

    entries: list[AccessLog]
    names: Named
    reason: str = ""  # of an emergency access, where it begins; empty for a reader who does not look after the patient
    reviewed: str = ""  # who reviewed it
    reviewed_at: datetime | None = None

    @property
    def _entry(self) -> AccessLog:
        return self.entries[0]

    @property
    def who(self) -> str:
        """The name of the person at that time, with the present one where it differs; empty for the system itself."""
        now, then = self.names.person(self._entry.actor_id), self._entry.actor_name
        return _("%(then)s (now %(now)s)") % {"then": then, "now": now} if then and then != now else now

    @property
    def in_emergency(self) -> bool:
        """Whether emergency access made it possible."""
        return "glass" in self._entry.detail

    @property
    def by_program(self) -> bool:
        """Whether a program did it with the person's key."""
        return "key" in self._entry.detail

    @property
    def begins(self) -> datetime:
        """The time of the oldest entry."""
        return self.entries[-1].at

    @property
    def ends(self) -> datetime:
        """The time of the newest entry."""
        return self._entry.at

    @property
    def is_span(self) -> bool:
        """Whether its two times are told apart on a clock."""
        return clock(self.begins) != clock(self.ends)

    @property
    def what(self) -> list[Part]:
        """What was done, in pieces of text and links."""
        return _sentence(self._entry, self.names, len({entry.object_id for entry in self.entries}))

    @property
    def items(self) -> Iterator[tuple[datetime, list[Part]]]:
        """The entries by themselves, oldest first."""
        for entry in reversed(self.entries):
            is_photo = entry.object_kind == "photo" and self.names.id_of(entry) in self.names.photos
            yield entry.at, [self.names.photo(entry)] if is_photo else _sentence(entry, self.names, 1)


@dataclass(frozen=True)
class LogPage:
    """One page of the log. `older` is the number to ask for older entries by; None on the last page."""

    lines: list[Line] = field(default_factory=list)
    older: int | None = None

    @property
    def days(self) -> list[tuple[date, list[Line]]]:
        """The lines by day, newest first."""
        return [(day, list(lines)) for day, lines in groupby(self.lines, lambda line: timezone.localdate(line.ends))]

    @property
    def summary(self) -> str:
        """How much the page shows, and of which days."""
        if not self.lines:
            return ""
        count = sum(len(line.entries) for line in self.lines)
        lines = ngettext("%(n)d line", "%(n)d lines", len(self.lines)) % {"n": len(self.lines)}
        entries = ngettext("%(n)d entry", "%(n)d entries", count) % {"n": count}
        first, last = long_day(min(line.begins for line in self.lines)), long_day(self.lines[0].ends)
        days = first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}
        return _("%(lines)s for %(entries)s, %(days)s") % {"lines": lines, "entries": entries, "days": days}


def log_page(
    patient: Patient, reader: User, entries: AccessLogQuerySet, before: int | None, is_grouped: bool, size: int = 0
) -> LogPage:
    """Return one page of `entries` for `reader`, newest first: those before the entry with the number `before`.

    Without groups it has `size` lines, by default LINES. At most nine queries.
    """
    found = list((entries.filter(sequence__lt=before) if before else entries)[: READ_AT_ONCE + 1])
    names = Named.in_entries(patient, found)
    if is_grouped:
        lines, shown = _grouped(found, names)
    else:
        shown = size or LINES
        lines = [Line([each], names) for each in found[:shown]]
    _tell_reasons(patient, reader, lines)
    return LogPage(lines, found[shown - 1].sequence if len(found) > shown else None)


def _grouped(found: list[AccessLog], names: Named) -> tuple[list[Line], int]:
    """Return the lines of one page, and how many of the entries they hold."""
    lines: list[Line] = []
    newest: dict[Key, Line] = {}
    line_of: list[Line] = []
    for entry in found[:READ_AT_ONCE]:
        key = _key(entry, names)
        line = newest.get(key)
        if line is None or _pauses(entry, line.entries[-1]):
            line = newest[key] = Line([], names)
            lines.append(line)
        line.entries.append(entry)
        line_of.append(line)
    shown = _place_to_end(found, line_of)
    kept = dict.fromkeys(map(id, line_of[:shown]))
    return [line for line in lines if id(line) in kept], shown


def _place_to_end(found: list[AccessLog], line_of: list[Line]) -> int:
    """Return after how many entries the page ends: after enough lines, where no line goes on."""
    is_all = len(found) <= READ_AT_ONCE
    last = {id(line): at for at, line in enumerate(line_of, start=1)}
    begun: set[int] = set()
    reach, latest = 0, 0
    for at, line in enumerate(line_of, start=1):
        begun.add(id(line))
        reach = max(reach, last[id(line)])
        # What was not read may continue a line that ends less than a pause before it.
        if reach == at and (is_all or _pauses(found[-1], found[at - 1])):
            latest = at
            if len(begun) >= LINES:
                break
    return latest or len(line_of)


def _key(entry: AccessLog, names: Named) -> Key:
    whom = entry.object_id if entry.object_kind in ("user", "team") else ""
    told = entry.detail
    return (entry.actor_id, entry.actor_name, phrase_key(entry), names.visit_of(entry), whom, told.get("glass"), told.get("key"))


def _pauses(entry: AccessLog, later: AccessLog) -> bool:
    """Whether a new line begins between two entries: after a pause, and at midnight."""
    return later.at - entry.at >= PAUSE or timezone.localdate(later.at) != timezone.localdate(entry.at)


def _tell_reasons(patient: Patient, reader: User, lines: list[Line]) -> None:
    opened = {line.entries[0].detail.get("glass"): line for line in lines if line.entries[0].action == AccessLog.Action.BREAK_GLASS}
    # Reasons are for regular care: emergency access to the patient does not show the reasons of others.
    own = BreakGlass.objects.filter(cared_for(reader, "patient"), patient=patient)
    accesses = own.filter(pk__in=[pk for pk in opened if pk]).select_related("reviewed_by")
    for access in accesses:
        line = opened[access.pk]
        line.reason, line.reviewed_at = access.reason, access.reviewed_at
        line.reviewed = access.reviewed_by.display_name if access.reviewed_by else ""


def _sentence(entry: AccessLog, names: Named, n: int) -> list[Part]:
    is_gone = not names.visit_of(entry)
    text = phrase(phrase_key(entry), n, entry.get_action_display(), is_gone)
    named = names.parts(entry) | {"n": Part(str(n))}
    pieces: list[Part] = []
    for before, name, _form, _conversion in Formatter().parse(text):
        pieces += [Part(before)] if before else []
        pieces += [named[name]] if name else []
    return pieces
