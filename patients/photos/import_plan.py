"""Where the photos of an import go: grouped into visits by the camera's local date, before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Count

from patients.models import Patient, Photo, User, Visit
from patients.models.formats import clinic_today
from patients.photos.checks import sha_fingerprint

AFTER_MIDNIGHT = timedelta(hours=3)
"""A photo after midnight stays with the day of the one before, if no more time than this lies between them."""
NOON = 12


@dataclass(frozen=True)
class FoundFile:
    """One file as the browser, or a plain form, has found it: its place in the list, its SHA-256 and the camera's clock."""

    index: int
    sha256: str
    taken: datetime | None = None  # without a zone: as the camera's clock showed it


class Kind(StrEnum):
    """What is known of the day of a row."""

    DAY = "day"
    FUTURE = "future"
    UNBORN = "unborn"
    UNDATED = "undated"


@dataclass
class Row:
    """The photos of one day, or those whose day a person must choose. Lists hold places of files."""

    kind: Kind
    day: date | None = None
    visit: Visit | None = None
    room: int = 0
    fresh: list[int] = field(default_factory=list)
    """In no visit of anyone."""
    here: list[int] = field(default_factory=list)
    """In the visit already, or twice among the files: never added."""
    elsewhere: list[int] = field(default_factory=list)
    """In another visit of the patient: added if a person says so."""
    foreign: list[int] = field(default_factory=list)
    """In a visit of another patient: added if a person says so."""
    after_midnight: int = 0

    @property
    def key(self) -> str:
        """The name of the row in the form."""
        return self.day.isoformat() if self.kind is Kind.DAY and self.day else self.kind.value

    @property
    def files(self) -> list[int]:
        """All files of the row."""
        return sorted([*self.fresh, *self.here, *self.elsewhere, *self.foreign])

    @property
    def duplicates(self) -> int:
        """How many are here, or in another visit of the patient."""
        return len(self.here) + len(self.elsewhere)

    @property
    def to_add(self) -> int:
        """How many are added unless a person decides otherwise."""
        return min(len(self.fresh), self.room) if self.kind is Kind.DAY else 0

    @property
    def out(self) -> int:
        """How many new photos find no room in the visit."""
        return max(len(self.fresh) - self.room, 0)

    @property
    def is_open(self) -> bool:
        """Whether a person must choose the visit."""
        return self.kind is not Kind.DAY

    @property
    def has_choice(self) -> bool:
        """Whether anything of it can be added."""
        return bool(self.fresh or self.elsewhere or self.foreign)


@dataclass(frozen=True)
class Plan:
    """Where every file goes."""

    rows: list[Row]
    visits: list[Visit]  # of the patient, newest first, with `photo_count`

    @property
    def found(self) -> int:
        """How many files there are."""
        return sum(len(row.files) for row in self.rows)

    @property
    def duplicates(self) -> int:
        """How many are in a visit of the patient already."""
        return sum(row.duplicates for row in self.rows)

    @property
    def to_add(self) -> int:
        """How many are added unless a person decides otherwise."""
        return sum(row.to_add for row in self.rows)

    @property
    def into(self) -> list[Row]:
        """The rows of which photos are added."""
        return [row for row in self.rows if row.to_add]

    @property
    def new_days(self) -> list[date]:
        """The days of visits that would be made."""
        return [row.day for row in self.rows if row.kind is Kind.DAY and row.visit is None and row.day]


def plan_import(patient: Patient, files: Iterable[FoundFile], user: User, whole_days: Collection[date] = ()) -> Plan:
    """Return where the files go. On `whole_days` photos after midnight stay with the date of the camera."""
    files = list(files)
    by_day = visits_by_day(patient)
    places = _places_of(patient, {file.sha256 for file in files})
    rows: dict[tuple[Kind, date | None], Row] = {}
    seen = set[str]()
    for file, day in _days_of(files, whole_days):
        kind = _kind_of(day, patient)
        key = (kind, day if kind is Kind.DAY else None)
        row = rows.get(key) or rows.setdefault(key, _empty_row(kind, key[1], by_day))
        _sort_in(row, file, places.get(sha_fingerprint(file.sha256), ()), is_twin=file.sha256 in seen)
        row.after_midnight += bool(day and file.taken and file.taken.date() != day)
        seen.add(file.sha256)
    in_order = sorted(rows.values(), key=lambda row: (list(Kind).index(row.kind), row.day or date.min))
    return Plan(in_order, [visit for visits in by_day.values() for visit in visits])


def visits_by_day(patient: Patient) -> dict[date, list[Visit]]:
    """Return the patient's visits by their day, newest first, each with `photo_count` and `room`. One query."""
    found: dict[date, list[Visit]] = {}
    most = settings.PHOTOS_PER_VISIT
    for visit in patient.visits.annotate(photo_count=Count("photos")).order_by("-date", "-created_at"):
        visit.room = max(most - visit.photo_count, 0)  # type: ignore[attr-defined]  # for the page
        found.setdefault(visit.date, []).append(visit)
    return found


def is_a_day_of(patient: Patient, day: date) -> bool:
    """Whether the patient can have been photographed on that day."""
    return bool(patient.birth_date <= day <= clinic_today())


def _kind_of(day: date | None, patient: Patient) -> Kind:
    if day is None:
        return Kind.UNDATED
    if is_a_day_of(patient, day):
        return Kind.DAY
    return Kind.UNBORN if day < patient.birth_date else Kind.FUTURE


def _empty_row(kind: Kind, day: date | None, by_day: dict[date, list[Visit]]) -> Row:
    visit = by_day[day][0] if day in by_day else None
    return Row(kind, day, visit, getattr(visit, "room", settings.PHOTOS_PER_VISIT))


def _sort_in(row: Row, file: FoundFile, places: Collection[tuple[object, bool]], is_twin: bool) -> None:
    """Put the file into the list of its row. `places` are the visits that have it, each with whether it is the patient's."""
    own = {visit for visit, is_own in places if is_own}
    if is_twin or (row.visit is not None and row.visit.pk in own):
        row.here.append(file.index)
    elif own:
        row.elsewhere.append(file.index)
    elif places:
        row.foreign.append(file.index)
    else:
        row.fresh.append(file.index)


def _places_of(patient: Patient, hashes: set[str]) -> dict[str, set[tuple[object, bool]]]:
    """Return the visits that have a file, by its keyed hash. Says of other patients' visits only that there is one."""
    wanted = {sha_fingerprint(each) for each in hashes}
    found: dict[str, set[tuple[object, bool]]] = {}
    rows = Photo.objects.filter(sha_fingerprint__in=wanted).values_list("sha_fingerprint", "visit_id", "visit__patient_id")
    for known, visit_id, patient_id in rows:
        is_own = patient_id == patient.pk
        found.setdefault(known, set()).add((visit_id if is_own else None, is_own))
    return found


def _days_of(files: Iterable[FoundFile], whole_days: Collection[date]) -> list[tuple[FoundFile, date | None]]:
    """Return each file with its day: the camera's date, or the day before while a night goes on. In the order of their clocks."""
    dated = sorted((file for file in files if file.taken), key=lambda file: (file.taken, file.index))
    days: list[tuple[FoundFile, date | None]] = []
    before: tuple[datetime, date] | None = None
    for file in dated:
        assert file.taken is not None
        day = file.taken.date()
        is_night = file.taken.hour < NOON and day not in whole_days
        if before and is_night and before[1] < day and file.taken - before[0] <= AFTER_MIDNIGHT:
            day = before[1]
        before = (file.taken, day)
        days.append((file, day))
    return days + [(file, None) for file in files if file.taken is None]
