"""The rows of a study's tables: study numbers and days, no names, no dates, no texts, no small cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from encryption.keys import first_hash
from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, OwnLabel, Participation, Photo, Study, Visit
from patients.reports.study.columns import FER2013, TABLES, Table, Value
from patients.studies.cells import age_table, band_of, suppress
from patients.studies.group import Group, Person, group_of

Row = dict[str, Value]


class TooFewPeople(Exception):
    """The study has fewer people than its smallest cell."""


@dataclass
class StudyTables:
    """The rows of every table that the study may see, by name, and what was left out."""

    study: Study
    rows: dict[str, list[Row]] = field(default_factory=dict)
    withdrew: int = 0
    hidden: list[str] = field(default_factory=list)  # sentences about cells that were joined or emptied

    def tables(self, wanted: frozenset[str] | None = None) -> list[Table]:
        """Return the tables that the study may see; of them those that are `wanted`, if given."""
        return [each for each in TABLES if each.seen_by(self.study) and (wanted is None or each.name in wanted)]


def study_tables(study: Study) -> StudyTables:
    """Return the tables of the study as it is now. Raises TooFewPeople."""
    group = group_of(study)
    if group.is_small:
        raise TooFewPeople
    made = StudyTables(study, withdrew=study.participations.exclude(withdrawn_at=None).count())
    made.rows["participants"] = _participants(group, made.hidden)
    made.rows["visits"] = [_visit(person, k) for person in group.people for k in range(len(person.visits))]
    made.rows["self_reports"] = [
        {"participant": person.number, "visit": k, "day": visit.day, **visit.scales}
        for person in group.people
        for k, visit in enumerate(person.visits, start=1)
        if any(value is not None for value in visit.scales.values())
    ]
    numbered = _numbered_photos(group)
    made.rows["photos"] = _photos(numbered)
    made.rows["labels"] = _labels(study, numbered) if study.shows(Study.Field.LABELS) else []
    made.rows["events"] = _events(group) if study.shows(Study.Field.EVENTS) else []
    return made


def _participants(group: Group, hidden: list[str]) -> list[Row]:
    least = group.study.smallest_cell
    sizes = [len(group.in_arm(arm)) for arm in group.arms]
    shows_arms = all(size is not None for size in suppress([sizes], least)[0][:-1])
    if not shows_arms:
        hidden.append("Arms: an arm has fewer people than the smallest cell, so the column is empty.")
    bands = _bands(group, shows_arms, hidden)
    sexes = _sexes(group, bands, shows_arms, hidden)
    return [
        {
            "participant": person.number,
            "arm": person.arm if shows_arms else None,
            "age_band": bands.get(person.number),
            "sex": sexes.get(person.number),
            "last_day": person.visits[-1].day if person.visits else None,
            "visits": len(person.visits),
        }
        for person in group.people
    ]


def _bands(group: Group, shows_arms: bool, hidden: list[str]) -> dict[str, str]:
    """Return the age band of each person by study number; without those whose cell is hidden."""
    people = group.people if shows_arms else [Person(each.number, "", each.age, each.sex, each.visits) for each in group.people]
    arms = group.arms if shows_arms else [""]
    table = age_table(people, arms, group.study.smallest_cell)
    if table.joined:
        hidden.append("Age bands: neighbouring bands are joined where a cell held fewer people than the smallest cell.")
    if table.hidden:
        hidden.append("Age bands: some are empty, because a cell stayed smaller than the smallest cell.")
    shown = {(row.band, arm): cell is not None for row in table.rows for arm, cell in zip(arms, row.cells, strict=True)}
    bands = [row.band for row in table.rows]
    found = {}
    for person in people:
        band = band_of(person, bands)
        if band is not None and shown[band, person.arm]:
            first, last = band
            found[person.number] = f"{first}+" if last is None else f"{first}-{last}"
    return found


def _sexes(group: Group, bands: Mapping[str, str], shows_arms: bool, hidden: list[str]) -> dict[str, str]:
    """Return the recorded sex of each person, for arms and age bands without a small cell."""

    def cell(person: Person) -> tuple[str, str]:
        return (person.arm if shows_arms else "", bands.get(person.number, ""))

    counts = Counter((*cell(person), person.sex) for person in group.people)
    small = {key[:2] for key, n in counts.items() if n < group.study.smallest_cell}
    known = [person for person in group.people if person.sex]
    if any(cell(person) in small for person in known):
        hidden.append("Sex: empty in each arm and age band in which a cell is smaller than the smallest cell.")
    return {person.number: person.sex for person in known if cell(person) not in small}


def _visit(person: Person, k: int) -> Row:
    visit = person.visits[k]
    point = visit.point
    row: Row = {"participant": person.number, "visit": k + 1, "day": visit.day, "photos": 0, "photos_used": 0}
    if point is None:
        return row
    interval = point.interval
    shares = dict(zip(EXPRESSIONS, point.mean_probabilities or (), strict=False))
    return (
        row
        | shares
        | {
            "photos": point.total,
            "photos_used": point.used,
            "valence": point.valence,
            "valence_low": interval.low if interval else None,
            "valence_high": interval.high if interval else None,
            "model_versions": " ".join(point.model_versions) or None,
        }
    )


@dataclass(frozen=True)
class NumberedPhoto:
    """One photo with its number in the visit."""

    participant: str
    visit: int
    number: int
    photo: Photo
    read: Prediction


def _numbered_photos(group: Group) -> list[NumberedPhoto]:
    """Return every photo of the group's visits whose reading is final, by study number, visit and number."""
    places = {visit.visit_id: (person.number, k) for person in group.people for k, visit in enumerate(person.visits, start=1)}
    patients = group.study.participations.counted().values("patient")
    photos = Photo.objects.filter(visit__patient__in=patients).with_predictions().order_by("uploaded_at", "id")
    counted: Counter[UUID] = Counter()
    found = []
    for photo in photos.iterator(chunk_size=500):
        read = photo.prediction
        if photo.visit_id in places and read is not None and read.is_final:
            counted[photo.visit_id] += 1
            found.append(NumberedPhoto(*places[photo.visit_id], counted[photo.visit_id], photo, read))
    return sorted(found, key=lambda each: (each.participant, each.visit, each.number))


def _photos(numbered: list[NumberedPhoto]) -> list[Row]:
    return [
        {
            "participant": each.participant,
            "visit": each.visit,
            "photo": each.number,
            "used": each.photo.is_used,
            "state": each.read.state,
            "reason": each.read.reason or None,
            "excluded": each.photo.excluded_at is not None,
            "too_close_to_call": each.read.abstained if each.read.state == Prediction.State.DONE else None,
            **dict(zip(EXPRESSIONS, each.read.probabilities or (), strict=False)),
            "valence": each.read.valence,
            **dict(zip(FER2013, each.read.fer2013_probabilities or (), strict=False)),
            "model_version": each.read.model_version or None,
        }
        for each in numbered
    ]


def _labels(study: Study, numbered: list[NumberedPhoto]) -> list[Row]:
    by_photo: dict[UUID, list[OwnLabel]] = {}
    patients = study.participations.counted().values("patient")
    for label in OwnLabel.objects.filter(photo__visit__patient__in=patients):
        by_photo.setdefault(label.photo_id, []).append(label)
    rows: list[Row] = [
        {
            "participant": each.participant,
            "visit": each.visit,
            "photo": each.number,
            # A hash: numbers in order of the accounts would tell who came first.
            "rater": first_hash(f"rater:{study.pk}:{label.clinician_id}".encode())[:8],
            "label": label.label,
        }
        for each in numbered
        for label in by_photo.get(each.photo.pk, ())
    ]
    return sorted(rows, key=lambda row: tuple(str(row[name]).zfill(9) for name in ("participant", "visit", "photo", "rater")))


def _events(group: Group) -> list[Row]:
    """Return the events that fall into each person's time in the study, from the first to the last visit."""
    rows: list[Row] = []
    days = {person.number: person.visits[-1].day for person in group.people if person.visits}
    firsts = {person.visits[0].visit_id: person.number for person in group.people if person.visits}
    dates = {firsts[pk]: day for pk, day in Visit.objects.filter(pk__in=list(firsts)).values_list("pk", "date")}
    taking_part = Participation.objects.filter(study=group.study, number__in=days).select_related("study").order_by("number")
    events: dict[UUID, list[Event]] = {}
    found = Event.objects.filter(patient__in=taking_part.values("patient"))
    for event in sorted(found, key=lambda each: (each.starts_on, each.kind, each.id)):
        events.setdefault(event.patient_id, []).append(event)
    for each in taking_part:
        first = dates[each.number]
        last = first + timedelta(days=days[each.number])
        inside = [event for event in events.get(each.patient_id, ()) if _overlaps(event, first, last)]
        for k, event in enumerate(inside, start=1):
            start = (event.starts_on - first).days
            end = None if event.goes_on else ((event.ends_on or event.starts_on) - first).days
            rows.append(
                {
                    "participant": each.number,
                    "event": k,
                    "kind": event.kind,
                    "start_day": start if start >= 0 else None,
                    "end_day": end if end is not None and end <= days[each.number] else None,
                }
            )
    return rows


def _overlaps(event: Event, first: date, last: date) -> bool:
    end = event.ends_on or (date.max if event.goes_on else event.starts_on)
    return event.starts_on <= last and end >= first
