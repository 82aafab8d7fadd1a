"""Which patients “My patients” shows, in which order, and how many there are: the database sorts and counts, and knows no name.

Names are compared in memory (patients/timeline/directory.py): a search gives the ids that the database looks among. Where it sorts
two patients alike, their names decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, CharField, Count, Exists, ExpressionWrapper, F, IntegerField, Max, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast

from patients.models import LastViewed, Outdated, PatientSummary, TeamAssignment, User
from patients.models.names import Search
from patients.models.patient import ids_visible_to
from patients.timeline.directory import COUNTED, Directory, State, directories, refresh_seen_by

Rows = QuerySet[PatientSummary]
FILTERS: dict[str, Q] = {
    "new": Q(is_new=True),
    "needs-you": Q(to_choose__gt=0) | Q(refused__gt=0),
    "waiting": Q(on_the_way__gt=0),
}
"""What the list can be filtered by."""
_SORTED_BY: dict[str, Combinable | None] = {
    "name": None,
    "valence": F("valence"),
    "range": F("place"),
    "visit": F("last_on"),
    "photos": F("to_choose") + F("refused") + F("on_the_way"),
}
ORDERS = tuple(_SORTED_BY)
"""What the list can be sorted by; with a minus in front, from the largest."""


@dataclass(frozen=True)
class Asked:
    """What someone asks the list for. `most` is how many rows it shows; None for all."""

    words: str = ""
    show: str = ""  # one of FILTERS, or empty
    team: str = ""  # the id of a team, or empty
    sort: str = ""  # one of ORDERS, perhaps with a minus in front, or empty
    most: int | None = None


class Totals(NamedTuple):
    """How many patients someone sees, how many of them are in the team, and how many of these pass each filter."""

    total: int
    in_team: int
    counts: dict[str, int]


class Found(NamedTuple):
    """Whom the list shows, in order, and whether each is new to the reader; and how many there are in all."""

    shown: dict[UUID, bool]
    in_all: int


class Row(NamedTuple):
    """One patient as they are sorted. Two rows of one group are sorted alike by all but their names."""

    key: str  # the id as the database writes it
    is_new: bool
    group: tuple[object, ...]


class Caseload:
    """The patients whom `user` sees, as they are asked for. Rows without a value come last, whichever the direction.

    Without an order, new ones come first. Among equals: new ones first, then by last visit, then by name, then by id.
    """

    def __init__(self, user: User, asked: Asked) -> None:
        self.user, self.asked = user, asked

    @cached_property
    def directory(self) -> Directory:
        """The names of all of them."""
        return directories.of(self.user, self._counted[0])

    @property
    def withheld(self) -> int:
        """How many are left out because their names do not open: one value that was tampered with does not hide the others."""
        return len(self.directory.broken)

    @cached_property
    def totals(self) -> Totals:
        """How many there are. One query, unless something changed: that is computed first."""
        return self._count(self._rows)[1] if self.directory.broken else self._counted[1]

    @cached_property
    def found(self) -> Found:
        """Whom the list shows. One query; a second where the last rows that fit are sorted like the first that do not."""
        asked, sort = self.asked, self.asked.sort.removeprefix("-")
        keys = self.directory.found(Search(asked.words))
        is_filtered = bool(asked.show or asked.team)
        if sort == "name":
            return self._by_name(keys, is_filtered)
        rows = self._passing(self._rows)
        if asked.words:
            rows = rows.filter(pk__in=among(keys))
        # A search within a filter is counted by fetching it: both together leave few.
        is_counted = not (asked.words and is_filtered)
        most = asked.most if is_counted else None
        fetched = self._fetched(rows, most)
        count = len(fetched)
        if is_counted:
            count = len(keys) if asked.words else self.totals.counts.get(asked.show, self.totals.in_team)
        return Found(_shown(fetched, asked.most), count)

    @cached_property
    def _everyone(self) -> Rows:
        """The summaries of all patients, with what they are filtered by."""
        seen = LastViewed.objects.filter(patient=OuterRef("pk"), clinician=self.user, viewed_at__gte=OuterRef("read_at"))
        is_new = ExpressionWrapper(Q(read_at__isnull=False) & ~Exists(seen), BooleanField())
        return PatientSummary.objects.filter(pk__in=ids_visible_to(self.user)).annotate(is_new=is_new)

    @property
    def _rows(self) -> Rows:
        broken = self.directory.broken
        return self._everyone.exclude(pk__in=[UUID(key) for key in broken]) if broken else self._everyone

    @cached_property
    def _counted(self) -> tuple[State, Totals]:
        state, totals, is_outdated = self._count(self._everyone)
        if not is_outdated:
            return state, totals
        refresh_seen_by(self.user)
        return self._count(self._everyone)[:2]

    def _count(self, rows: Rows) -> tuple[State, Totals, bool]:
        """Return how many there are, and whether anything of anyone is outdated. Without a row, the database cannot tell."""
        in_team = self._in_team
        passing = {name.replace("-", "_"): Count("pk", filter=in_team & passes) for name, passes in FILTERS.items()}
        is_outdated = Max(Cast(Exists(Outdated.objects.all()), IntegerField()))
        counted = rows.aggregate(**COUNTED, in_team=Count("pk", filter=in_team), is_outdated=is_outdated, **passing)
        counts = {name: counted[name.replace("-", "_")] for name in FILTERS}
        totals = Totals(counted["patients"], counted["in_team"], counts)
        return State(counted["patients"], counted["tags"]), totals, counted["is_outdated"] != 0

    @property
    def _in_team(self) -> Q:
        if not self.asked.team:
            return Q(pk__isnull=False)
        return Q(Exists(TeamAssignment.objects.filter(patient=OuterRef("pk"), team=int(self.asked.team))))

    def _passing(self, rows: Rows) -> Rows:
        rows = rows.filter(self._in_team) if self.asked.team else rows
        return rows.filter(FILTERS[self.asked.show]) if self.asked.show else rows

    def _by_name(self, keys: list[str], is_filtered: bool) -> Found:
        """Return them by name. Without a filter, only those that are shown are fetched, with all who have the last one's name."""
        ranks, most, is_backwards = self.directory.ranks, self.asked.most, self.asked.sort.startswith("-")
        keys = keys[::-1] if is_backwards else keys
        some = keys
        if most is not None and not is_filtered and most < len(keys):
            last = ranks[keys[most - 1]]
            some = [key for key in keys if (ranks[key] >= last if is_backwards else ranks[key] <= last)]
        rows = self._passing(self._rows)
        rows = rows.filter(pk__in=among(some)) if len(some) < len(self.directory) else rows
        fetched = self._fetched(rows, None)
        fetched.sort(key=lambda row: ranks.get(row.key, 0), reverse=is_backwards)
        return Found(_shown(fetched, most), len(fetched) if is_filtered else len(keys))

    def _fetched(self, rows: Rows, most: int | None) -> list[Row]:
        """Return at least `most` rows in order; all without a number. By name they are sorted among equals alone."""
        order = _SORTED_BY.get(self.asked.sort.removeprefix("-"))
        annotated = rows.annotate(key=Cast("pk", CharField()), by=F("last_on") if order is None else order)
        down = order is None or self.asked.sort.startswith("-")
        by = F("by").desc(nulls_last=True) if down else F("by").asc(nulls_last=True)
        terms = ["is_new", "by"] if order is None else ["by", "is_new", "last_on"]
        new, last = F("is_new").desc(), F("last_on").desc(nulls_last=True)
        ordered = annotated.order_by(*((new, by) if order is None else (by, new, last)), "pk")
        values = ordered.values_list("key", "is_new", *terms)
        fetched = [Row(key, is_new, tuple(group)) for key, is_new, *group in (values[: most + 1] if most is not None else values)]
        if most is not None and len(fetched) > most and fetched[most].group == fetched[most - 1].group:
            group = fetched[most].group
            same = Q(
                *(Q(**({f"{name}__isnull": True} if it is None else {name: it})) for name, it in zip(terms, group, strict=True))
            )
            of_group = annotated.filter(same).values_list("key", "is_new")
            fetched = [row for row in fetched if row.group != group] + [Row(key, is_new, group) for key, is_new in of_group]
        return self._by_names_among_equals(fetched)

    def _by_names_among_equals(self, rows: list[Row]) -> list[Row]:
        ranks = self.directory.ranks
        return [
            row
            for _group, same in groupby(rows, itemgetter(2))
            for row in sorted(same, key=lambda row: (ranks.get(row.key, 0), row.key))
        ]


def among(keys: Iterable[str]) -> RawSQL:
    """Return the ids as a table, for `pk__in`: one parameter however many there are."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::uuid[])", [list(keys)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])


def _shown(rows: list[Row], most: int | None) -> dict[UUID, bool]:
    return {UUID(row.key): row.is_new for row in rows[:most]}
