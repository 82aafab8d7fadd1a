"""The rows of “My patients”: what is new, what needs review, and how the last visit compares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Case, CharField, Exists, F, FilteredRelation, OuterRef, Q, TextField, Value, When
from django.db.models.functions import Cast

from encryption.seal import SealBroken
from patients.models import Consent, Patient, PatientSummary, TeamAssignment, User
from patients.models.formats import clinic_today
from patients.models.known_names import known_names
from patients.models.names import Spelt
from patients.timeline.baseline import Limits, Place
from patients.timeline.plot.sparkline import Sparkline, sparkline, twelve_months
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import PLACES, outdated_patients, parts, recent_points, refresh

PLACE_OF = {number: place for place, number in PLACES.items()}


class LightRow(NamedTuple):
    """One patient as the list is filtered and sorted by, before anything is read that only a shown row needs."""

    key: str
    name: str  # sealed
    record_number: str  # sealed
    is_new: bool
    in_team: bool
    last_on: str | None  # the day of the last visit that has photos, as 2026-11-30
    valence: float | None
    place: int | None
    to_choose: int
    refused: int
    on_the_way: int

    @property
    def spelt(self) -> Spelt:
        """Name and record number as they are searched and sorted by."""
        return known_names.spelt((self.key, self.name, self.record_number))

    @property
    def opens(self) -> bool:
        """Whether name and record number belong to the patient. If not, that is noted for the health page."""
        try:
            _ = self.spelt
        except SealBroken:
            return False
        return True

    def passes(self, show: str) -> bool:
        """Whether the row passes the filter. An unknown filter passes all."""
        if show == "new":
            return self.is_new
        if show == "needs-you":
            return self.to_choose + self.refused > 0
        return show != "waiting" or self.on_the_way > 0


SortKey = str | float | None
_ORDERS: dict[str, Callable[[LightRow], SortKey]] = {
    "name": lambda row: row.spelt.names[0],
    "valence": lambda row: row.valence,
    "range": lambda row: row.place,
    "visit": lambda row: row.last_on,
    "photos": lambda row: row.to_choose + row.refused + row.on_the_way,
}
ORDERS = tuple(_ORDERS)
"""What the list can be sorted by; with a minus in front, from the largest."""


def in_order(rows: Iterable[LightRow], sort: str) -> list[LightRow]:
    """Return the rows sorted. Rows without the value come last, whichever the direction; without an order, new ones come first.

    Among equals: new ones first, then by last visit, then by name.
    """
    by_rank = sorted(rows, key=lambda row: row.spelt.names[0])
    by_rank.sort(key=lambda row: row.last_on or "", reverse=True)
    by_rank.sort(key=lambda row: not row.is_new)
    order = _ORDERS.get(sort.removeprefix("-"))
    if order is None:
        return by_rank
    known = [row for row in by_rank if order(row) is not None]
    known.sort(key=order, reverse=sort.startswith("-"))  # type: ignore[arg-type]  # None is left out, and a key has one type
    return known + [row for row in by_rank if order(row) is None]


def light_rows(user: User, team: str = "") -> list[LightRow]:
    """Return a light row for each of the user's patients, whether in the care `team` or not. Two queries unless something changed.

    What changed since the last list is computed first.
    """
    known_names.age()
    visible = Patient.objects.visible_to(user)
    outdated = outdated_patients()
    for some in parts(list(outdated)):
        refresh(visible.filter(pk__in=some).values_list("pk", flat=True))
    is_seen = Q(seen__viewed_at__gte=F("summary__read_at"))
    is_new = Case(When(is_seen | Q(summary__read_at=None), then=False), default=True, output_field=BooleanField())
    in_team = Exists(TeamAssignment.objects.filter(patient=OuterRef("pk"), team=int(team))) if team else Value(True)
    rows = visible.annotate(
        seen=FilteredRelation("last_views", condition=Q(last_views__clinician=user)),
        key=Cast("pk", CharField()),
        sealed_name=Cast("name", TextField()),
        sealed_number=Cast("record_number", TextField()),
        is_new=is_new,
        in_team=in_team,
        last_on=Cast("summary__last_on", CharField()),
    ).values_list("key", "sealed_name", "sealed_number", "is_new", "in_team", "last_on", *OF_SUMMARY)
    return [LightRow(*row[:-3], *(count or 0 for count in row[-3:])) for row in rows]


OF_SUMMARY = tuple(f"summary__{name}" for name in ("valence", "place", "to_choose", "refused", "on_the_way"))


@dataclass(frozen=True)
class CaseRow:
    """One patient in the list. `points` are the visits with photos in the last twelve months, and the last one of all."""

    patient: Patient
    summary: PatientSummary
    points: list[VisitPoint]
    is_new: bool  # something was read since the clinician last opened the record
    consented_on: date | None = None  # looked up only for a patient without photos, to offer the next step

    @property
    def last(self) -> VisitPoint | None:
        """The last visit that has photos."""
        return self.points[-1] if self.points else None

    @property
    def bare_since(self) -> date | None:
        """The day of a later visit without photos; None if there is none."""
        on = self.summary.visited_on
        return on if self.last and on and on > self.last.date else None

    @property
    def baseline(self) -> Limits | None:
        """The patient's usual range."""
        low, high = self.summary.range_low, self.summary.range_high
        return None if low is None or high is None else Limits(low, high)

    @property
    def chosen_that_count(self) -> int | None:
        """How many of the visits chosen for the baseline still have photos that count; None when none was chosen."""
        return self.summary.chosen_that_count

    @property
    def spark(self) -> Sparkline:
        """The sparkline of the last twelve months."""
        return sparkline(self.points, self.baseline, clinic_today())

    @property
    def place(self) -> Place | None:
        """Where the last visit lies relative to the baseline; None without a baseline."""
        return None if self.summary.place is None else PLACE_OF[self.summary.place]

    @property
    def to_choose(self) -> int:
        """How many photos need someone to choose a face."""
        return self.summary.to_choose

    @property
    def refused(self) -> int:
        """How many photos could not be read and were not dismissed."""
        return self.summary.refused

    @property
    def on_the_way(self) -> int:
        """How many photos are queued or being read."""
        return self.summary.on_the_way


def case_rows(shown: Iterable[LightRow]) -> list[CaseRow]:
    """Return the full rows of those that are shown, in their order. Two queries; a third where one of them has no photos."""
    light = {UUID(row.key): row for row in shown}
    patients = Patient.objects.select_related("summary").in_bulk(list(light))
    summaries = {key: getattr(patients[key], "summary", None) or PatientSummary(patient_id=key) for key in light if key in patients}
    last = {each.last_visit for each in summaries.values() if each.last_visit}
    points: dict[UUID, list[VisitPoint]] = defaultdict(list)
    if last:
        points |= recent_points(list(summaries), twelve_months(clinic_today())[0], last)
    bare = [key for key in summaries if not points[key]]
    consents = Consent.objects.active().filter(patient__in=bare, purpose=Consent.Purpose.CARE)
    consented = dict(consents.values_list("patient_id", "given_on")) if bare else {}
    return [
        CaseRow(patients[key], summary, points[key], light[key].is_new, consented.get(key)) for key, summary in summaries.items()
    ]
