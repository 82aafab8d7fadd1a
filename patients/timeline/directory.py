"""The names of the patients whom someone sees, decrypted: kept in memory alone, so that the next list need not decrypt thousands.

Two numbers tell what a directory was made of, and the database counts them for each list: while they are the same, it is right. A
directory that no list has asked for during an hour is dropped with the next list. So are the longest unused ones where all of them
together hold too many names (docs/adr/0151).
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from django.db.models import CharField, Count, Sum, TextField
from django.db.models.functions import Cast, Coalesce

from encryption.fields import Sealed, SealedMixin
from encryption.seal import Place, SealBroken
from patients.models import Patient, PatientSummary, User
from patients.models.names import Search, Spelt
from patients.models.patient import ids_visible_to
from patients.timeline.summaries import outdated_patients, parts, refresh

KEPT_SECONDS = 3600
MOST = 100_000
Held = tuple[str, str, str]
"""The id of a patient, then name and record number as the database holds them: they open for this patient alone."""
FIELDS = ("name", "record_number")


class State(NamedTuple):
    """How many patients someone sees, and the sum of the tags of their names: any change of either gives other numbers."""

    patients: int
    tags: int


COUNTED = {"patients": Count("pk"), "tags": Coalesce(Sum("names_tag"), 0)}
"""What the database counts of the summaries of these patients for a State."""


class Directory:
    """The names of all patients whom one user sees. Of two patients, the one whose name comes first has the lower rank."""

    def __init__(self, names: Mapping[Held, Spelt], broken: Iterable[str], state: State) -> None:
        self.names, self.broken, self.state = names, frozenset(broken), state
        self._entries = sorted(((spelt, held[0]) for held, spelt in names.items()), key=lambda entry: entry[0].names[0])

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The rank of each patient, by id as the database writes it. Patients with one name share a rank."""
        ranks: dict[str, int] = {}
        last, rank = "", 0
        for place, (spelt, key) in enumerate(self._entries):
            if spelt.names[0] != last:
                last, rank = spelt.names[0], place
            ranks[key] = rank
        return ranks

    @cached_property
    def _text(self) -> tuple[str, list[int]]:
        """All that a search compares as one text, and where each patient's part of it begins: one search reads it in no time."""
        parts = ["\n".join((*spelt.names, spelt.number, "")) for spelt, _key in self._entries]
        return "".join(parts), [0, *accumulate(map(len, parts))]

    def found(self, search: Search) -> list[str]:
        """Return the ids of those whom the search finds, in the order of their names; of all without words."""
        if not search.pieces:
            return [key for _spelt, key in self._entries]
        spellings, number = max(search.pieces, key=lambda piece: len(piece[1]))
        # "" where a word has nothing that names are compared by: it is in all of them.
        longest = {max(each.split(), key=len, default="") for each in spellings}
        places = set().union(*map(self._places_with, {number, *longest}))
        return [self._entries[place][1] for place in sorted(places) if search.finds_in(self._entries[place][0])]

    def _places_with(self, needle: str) -> set[int]:
        """Return which patients have the needle in any spelling: a few, among whom the search then looks closely."""
        text, begins = self._text
        places, at = set(), text.find(needle)
        while 0 <= at < len(text):  # an empty needle is found behind the end too
            place = bisect_right(begins, at) - 1
            places.add(place)
            at = text.find(needle, begins[place + 1])
        return places


class Directories:
    """The directories of the users whom this process has served lately, the one that was used last at the end."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, bool], tuple[Directory, float]] = OrderedDict()

    def of(self, user: User, state: State) -> Directory:
        """Return the directory of `user`, whose patients are in this state. One query where it was another at the last list."""
        key = (user.pk, user.is_program)
        kept, _used = self._kept.pop(key, (None, 0))
        found = kept if kept and kept.state == state else read(user, kept.names if kept else {})
        self._kept[key] = found, time.monotonic()
        self._forget()
        return found

    def _forget(self) -> None:
        """Drop what was not used for an hour, and the longest unused ones beyond MOST names. The last one stays."""
        now, names = time.monotonic(), sum(len(directory) for directory, _used in self._kept.values())
        for key, (_directory, used) in [*self._kept.items()][:-1]:
            if now - used > KEPT_SECONDS or names > MOST:
                names -= len(self._kept.pop(key)[0])


directories = Directories()


def read(user: User, known: Mapping[Held, Spelt]) -> Directory:
    """Return the directory of what the database holds now. Decrypts what is not `known`. One query.

    Names that do not open are left out, and noted for the health page.
    """
    rows = Patient.objects.filter(pk__in=ids_visible_to(user)).annotate(key=Cast("pk", CharField()))
    sealed = (Cast(name, TextField()) for name in FIELDS)
    names: dict[Held, Spelt] = {}
    broken: list[str] = []
    patients = tags = 0
    for key, name, number, tag in rows.values_list("key", *sealed, "summary__names_tag"):
        # As the database counts them: without a summary, a patient is not among them.
        patients, tags = patients + (tag is not None), tags + (tag or 0)
        held = (key, name, number)
        try:
            names[held] = known.get(held) or Spelt.of(
                *(_opened(field, key, text) for field, text in zip(FIELDS, held[1:], strict=True))
            )
        except SealBroken:
            broken.append(key)
    return Directory(names, broken, State(patients, tags))


def refresh_seen_by(user: User) -> None:
    """Compute what is outdated of the patients whom `user` sees. One query where nothing is. A new name gets its tag here."""
    for some in parts(list(outdated_patients())):
        refresh(Patient.objects.sought_by(user).filter(pk__in=some).values_list("pk", flat=True))


def directory_of(user: User) -> Directory:
    """Return the directory of `user`. Two queries, and more where something changed: that is computed first."""
    refresh_seen_by(user)
    counted = PatientSummary.objects.filter(pk__in=ids_visible_to(user)).aggregate(**COUNTED)
    return directories.of(user, State(**counted))


def _opened(name: str, key: str, text: str) -> str:
    field = Patient._meta.get_field(name)
    assert isinstance(field, SealedMixin)
    owner = UUID(key)
    place = Place(Patient._meta.label, name, str(owner), str(owner))
    return str(field.opened_at(place, Sealed(text), owner)) if text else ""
