"""The rows of “My patients”: what is new, what needs review, and how the last visit compares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from django.db.models import Count, F, Max

from inference.models import Prediction
from patients.models import Consent, LastViewed, Patient, Photo, TeamAssignment, User, Visit
from patients.models.formats import clinic_today
from patients.models.names import folded
from patients.timeline.baseline import Baseline, Place, baseline_of, chosen_that_count
from patients.timeline.plot.sparkline import Sparkline, sparkline
from patients.timeline.points import VisitPoint, points_by_patient

State = Prediction.State


@dataclass(frozen=True)
class CaseRow:
    """One patient in the list."""

    patient: Patient
    points: list[VisitPoint]
    viewed_at: datetime | None = None
    read_at: datetime | None = None
    states: Counter[str] = field(default_factory=Counter)
    visited_on: date | None = None
    consented_on: date | None = None  # looked up only for a patient without photos, to offer the next step
    teams: dict[int, str] = field(default_factory=dict)  # the names of the patient's teams by their ids

    @property
    def last(self) -> VisitPoint | None:
        """The last visit that has photos."""
        return self.points[-1] if self.points else None

    @property
    def bare_since(self) -> date | None:
        """The day of a later visit without photos; None if there is none."""
        return self.visited_on if self.last and self.visited_on and self.visited_on > self.last.date else None

    @cached_property
    def baseline(self) -> Baseline | None:
        """The patient's baseline."""
        return baseline_of(self.points)

    @property
    def chosen_that_count(self) -> int | None:
        """How many of the visits chosen for the baseline still have photos that count; None when none was chosen."""
        return chosen_that_count(self.points)

    @property
    def spark(self) -> Sparkline:
        """The sparkline of the last twelve months."""
        return sparkline(self.points, self.baseline, clinic_today())

    @property
    def place(self) -> Place | None:
        """Where the last visit lies relative to the baseline; None without a baseline."""
        return self.baseline.place(self.last) if self.baseline and self.last else None

    @property
    def is_new(self) -> bool:
        """Whether something was read since the clinician last opened the record."""
        return self.read_at is not None and (self.viewed_at is None or self.read_at > self.viewed_at)

    @property
    def to_choose(self) -> int:
        """How many photos need someone to choose a face."""
        return self.states[State.CHOOSE_FACE]

    @property
    def refused(self) -> int:
        """How many photos could not be read and were not dismissed."""
        return self.states[State.NO_FACE] + self.states[State.REJECTED] + self.states[State.FAILED]

    @property
    def on_the_way(self) -> int:
        """How many photos are queued or being read."""
        return self.states[State.QUEUED] + self.states[State.RUNNING]

    def passes(self, show: str) -> bool:
        """Whether the row passes the filter. An unknown filter passes all."""
        asked = {"new": self.is_new, "needs-you": self.to_choose + self.refused > 0, "waiting": self.on_the_way > 0}
        return asked.get(show, True)

    @property
    def rank(self) -> tuple[bool, float, str]:
        """New first, then by last visit, then by name."""
        return not self.is_new, -self.last.date.toordinal() if self.last else 0, folded(self.patient.name)


SortKey = str | float | None
_ORDERS: dict[str, Callable[[CaseRow], SortKey]] = {
    "name": lambda row: folded(row.patient.name),
    "valence": lambda row: row.last.valence if row.last and row.last.used else None,
    "range": lambda row: None if row.place is None else {"below": -1, "inside": 0, "above": 1}[row.place],
    "visit": lambda row: row.last.date.toordinal() if row.last else None,
    "photos": lambda row: row.to_choose + row.refused + row.on_the_way,
}
ORDERS = tuple(_ORDERS)
"""What the list can be sorted by; with a minus in front, from the largest."""


def in_order(rows: Iterable[CaseRow], sort: str) -> list[CaseRow]:
    """Return the rows sorted. Rows without the value come last, whichever the direction; without an order, new ones come first."""
    by_rank = sorted(rows, key=lambda row: row.rank)
    order = _ORDERS.get(sort.removeprefix("-"))
    if order is None:
        return by_rank
    known = [row for row in by_rank if order(row) is not None]
    known.sort(key=order, reverse=sort.startswith("-"))  # type: ignore[arg-type]  # None is left out, and a key has one type
    return known + [row for row in by_rank if order(row) is None]


def case_rows(user: User) -> list[CaseRow]:
    """Return a row for each of the user's patients. Always nine queries."""
    patients = list(Patient.objects.visible_to(user))
    ids = [patient.pk for patient in patients]
    looks = dict(LastViewed.objects.filter(clinician=user, patient__in=ids).values_list("patient_id", "viewed_at"))
    points, states, read = points_by_patient(ids), _open_states(ids), _read_at(ids)
    visited = dict(Visit.objects.filter(patient__in=ids).order_by().values_list("patient_id").annotate(on=Max("date")))
    bare = [key for key in ids if not points[key]]
    consents = Consent.objects.active().filter(patient__in=bare, purpose=Consent.Purpose.CARE)
    consented = dict(consents.values_list("patient_id", "given_on"))
    teams = _teams(ids)
    return [
        CaseRow(patient, points[key], looks.get(key), read.get(key), states[key], visited.get(key), consented.get(key), teams[key])
        for key, patient in zip(ids, patients, strict=True)
    ]


def _teams(patient_ids: Iterable[UUID]) -> dict[UUID, dict[int, str]]:
    found: dict[UUID, dict[int, str]] = defaultdict(dict)
    rows = TeamAssignment.objects.filter(patient__in=patient_ids)
    for patient_id, team_id, name in rows.values_list("patient_id", "team_id", "team__name"):
        found[patient_id][team_id] = name
    return found


def _open_states(patient_ids: Iterable[UUID]) -> dict[UUID, Counter[str]]:
    """Return how many photos of each patient are unread, by state. Dismissed and erased photos are left out."""
    open_photos = (
        Photo.objects.with_newest()
        .exclude(image="")
        .filter(
            visit__patient__in=patient_ids,
            excluded_at=None,
            dismissed_at=None,
            predictions__id=F("newest_prediction_id"),
            predictions__state__in=[state for state in State if state != State.DONE],  # exclude() would ask every reading
        )
    )
    rows = open_photos.order_by()
    found: dict[UUID, Counter[str]] = defaultdict(Counter)
    for patient_id, state, count in rows.values_list("visit__patient_id", "predictions__state").annotate(n=Count("id")):
        found[patient_id][state] = count
    return found


def _read_at(patient_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Return when the last photo of each patient was read, or began to need attention."""
    rows = Prediction.objects.filter(photo__visit__patient__in=patient_ids, finished_at__isnull=False)
    rows = rows.exclude(state__in=Prediction.UNFINISHED).exclude(state=State.REJECTED, reason__in=Prediction.DROPPED)
    return dict(rows.order_by().values_list("photo__visit__patient_id").annotate(at=Max("finished_at")))
