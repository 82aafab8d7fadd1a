"""The people of a study with their visits, as everything about the group reads them. No name, no record number, no date."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from statistics import median
from uuid import UUID

from patients.models import Participation, SelfReport, Study, Visit
from patients.models.self_report import MOST
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import points_by_patient

MEASURES = ("valence", "phq9", "gad7", "mood")
"""What is compared between arms."""
DAYS_A_WEEK = 7
Reports = dict[UUID, dict[str, int | None]]
"""Totals of the scales by visit."""


@dataclass(frozen=True)
class StudyVisit:
    """One visit in the study. `day` counts from the person's first visit in the study, which is day 0."""

    visit_id: UUID
    day: int
    point: VisitPoint | None  # None without photos
    scales: dict[str, int | None]  # phq9, gad7, mood

    @property
    def week(self) -> float:
        """Return the time in weeks since the first visit."""
        return self.day / DAYS_A_WEEK

    def value(self, measure: str) -> float | None:
        """Return the value of one of MEASURES, None where there is none."""
        if measure == "valence":
            return self.point.valence if self.point else None
        value = self.scales.get(measure)
        return None if value is None else float(value)


@dataclass(frozen=True)
class Person:
    """One participant. `age` in whole years at the first visit of the study; None before it, or if the study may not see it."""

    number: str
    arm: str
    age: int | None
    sex: str
    visits: tuple[StudyVisit, ...]

    def series(self, measure: str) -> list[tuple[float, float]]:
        """Return week and value of each visit that has one."""
        pairs = ((visit.week, visit.value(measure)) for visit in self.visits)
        return [(week, value) for week, value in pairs if value is not None]


@dataclass
class Group:
    """Everyone whose values the study may use now, by study number."""

    study: Study
    arms: list[str]
    people: list[Person] = field(default_factory=list)

    @property
    def visits(self) -> list[StudyVisit]:
        """Return the visits of everyone."""
        return [visit for person in self.people for visit in person.visits]

    @property
    def points(self) -> list[VisitPoint]:
        """Return the visits that have photos."""
        return [visit.point for visit in self.visits if visit.point]

    @property
    def photos(self) -> int:
        """Return how many photos there are."""
        return sum(point.total for point in self.points)

    @property
    def used(self) -> int:
        """Return how many photos count."""
        return sum(point.used for point in self.points)

    @property
    def weeks(self) -> int:
        """Return the longest time from a first to a last visit, in whole weeks."""
        return max((visit.day for visit in self.visits), default=0) // DAYS_A_WEEK

    @property
    def visits_per_person(self) -> float | None:
        """Return the median number of visits; None without people."""
        return median(len(person.visits) for person in self.people) if self.people else None

    @property
    def is_small(self) -> bool:
        """Whether there are too few people for anything but counts."""
        return len(self.people) < self.study.smallest_cell

    def in_arm(self, arm: str) -> list[Person]:
        """Return the people of one arm."""
        return [person for person in self.people if person.arm == arm]

    def has(self, measure: str) -> bool:
        """Whether anyone has a value of this measure."""
        return any(visit.value(measure) is not None for visit in self.visits)

    def checksum(self, measure: str = "valence") -> str:
        """Return the SHA-256 of arm, day and value of every visit: the same as long as a result about them holds."""
        rows = [[person.number, person.arm, visit.day, visit.value(measure)] for person in self.people for visit in person.visits]
        return sha256(json.dumps([self.arms, rows], separators=(",", ":")).encode()).hexdigest()


def group_of(study: Study) -> Group:
    """Return the group with the fields that the study may see. Seven queries, whatever its size."""
    taking_part = list(
        Participation.objects.counted().filter(study=study).select_related("study", "arm", "patient").order_by("number")
    )
    patient_ids = [each.patient_id for each in taking_part]
    points: dict[UUID, VisitPoint] = {}
    if study.shows(Study.Field.EXPRESSIONS):
        points = {point.visit_id: point for found in points_by_patient(patient_ids, with_photos=False).values() for point in found}
    reports: Reports = {}
    if study.shows(Study.Field.SELF_REPORTS):
        stored = SelfReport.objects.filter(visit__patient__in=patient_ids).select_related("visit")
        reports = {report.visit_id: {name: getattr(report, name) for name in MOST} for report in stored}
    visits: dict[UUID, list[Visit]] = {}
    found = Visit.objects.filter(patient__in=patient_ids).only("id", "patient_id", "date")
    for visit in found.order_by("date", "created_at", "id"):
        visits.setdefault(visit.patient_id, []).append(visit)
    group = Group(study, [arm.name for arm in study.arms.all()])
    for each in taking_part:
        own = [visit for visit in visits.get(each.patient_id, ()) if each.covers(visit.date)]
        group.people.append(_person(each, own, points, reports))
    return group


def _person(each: Participation, visits: list[Visit], points: dict[UUID, VisitPoint], reports: Reports) -> Person:
    study, patient = each.study, each.patient
    sex = patient.sex if study.shows(Study.Field.SEX) else ""
    if not visits:
        return Person(each.number, each.arm.name, None, sex, ())
    first = visits[0].date
    age = _age_on(patient.birth_date, first) if study.shows(Study.Field.AGE_BAND) else None
    own = [StudyVisit(visit.pk, (visit.date - first).days, points.get(visit.pk), reports.get(visit.pk, {})) for visit in visits]
    return Person(each.number, each.arm.name, age, sex, tuple(own))


def _age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
