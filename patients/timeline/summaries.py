"""Reads points from the summaries, computes what is outdated, and stores it where nothing was stored in the meantime.

A change and its mark (`Outdated`) become visible together. What is computed here is read after the marks and after the version of
the patient's summary. It is stored, and these marks are removed, only while the summary still has that version: a change that came
later keeps its own mark, and an older result never replaces a newer one (docs/adr/0142).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from patients.models import Outdated, Patient, PatientSummary, Photo, Visit, VisitSummary
from patients.models.photo import PhotoQuerySet
from patients.timeline.baseline import Place, baseline_of, chosen_that_count
from patients.timeline.packed import pack_numbers, pack_photos, unpack_numbers, unpack_photos
from patients.timeline.points import VisitPoint
from patients.timeline.tally import Tally, tallies

AT_ONCE = 100  # patients
IN_A_LIST = 5000  # values of one statement
TRIES = 5  # then the next reader goes on: someone changes the patient all the time
PLACES = {Place.BELOW: -1, Place.INSIDE: 0, Place.ABOVE: 1}
EVERY = Q()
OF_VISIT = ("id", "patient_id", "date", "is_baseline", "has_note", "is_marked")
Summary = TypeVar("Summary", VisitSummary, PatientSummary)
Thing = TypeVar("Thing")


class Stored(NamedTuple):
    """What is kept of a visit that has photos: the fields of VisitSummary."""

    used: int
    excluded: int
    failed: int
    to_choose: int
    too_close: int
    unfinished: int
    model_versions: Sequence[str]
    numbers: bytes
    open_to_choose: int
    open_refused: int
    open_on_the_way: int
    read_at: datetime | None
    photos: bytes = b""

    @classmethod
    def of(cls, tally: Tally) -> "Stored":
        """Return what is kept of these photos."""
        point = tally.point(UUID(int=0), datetime.min.date())
        return cls(
            used=point.used,
            excluded=point.excluded,
            failed=point.failed,
            to_choose=point.to_choose,
            too_close=point.too_close,
            unfinished=point.unfinished,
            model_versions=list(point.model_versions),
            numbers=pack_numbers(point.numbers),
            open_to_choose=tally.open["to_choose"],
            open_refused=tally.open["refused"],
            open_on_the_way=tally.open["on_the_way"],
            read_at=tally.read_at,
            photos=pack_photos(point.photo_keys, point.photo_probabilities),
        )


class KnownVisit(NamedTuple):
    """One visit: its point, without counts where it has no photos, and what is kept of it."""

    patient_id: UUID
    point: VisitPoint
    stored: Stored | None
    is_marked: bool  # a patient among those who were asked for has a mark


@dataclass
class Changes:
    """Marks, by patient, and what must be computed because of them."""

    marks: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    visits: dict[UUID, UUID] = field(default_factory=dict)  # with the patient of each
    whole: set[UUID] = field(default_factory=set)  # patients of whom every visit must be computed

    def computed(self) -> dict[UUID, Stored | None]:
        """Return what the photos say now, by visit; None where there are none. One query for any usual number of visits."""
        visits = [visit for visit, owner in self.visits.items() if owner not in self.whole]
        found: dict[UUID, Stored | None] = dict.fromkeys(visits)
        of_patients = Photo.objects.filter(visit__patient__in=list(self.marks))
        for some in parts(visits):
            found |= _stored(of_patients.filter(visit__in=some))
        if self.whole:
            found |= dict.fromkeys(Visit.objects.filter(patient__in=self.whole).values_list("pk", flat=True))
            found |= _stored(Photo.objects.filter(visit__patient__in=self.whole))
        return found


def points(patient: Patient) -> list[VisitPoint]:
    """Return the visits of `patient` that have photos, oldest first. One query, whatever the number of visits."""
    return points_by_patient([patient.pk])[patient.pk]


def points_by_patient(patient_ids: Iterable[UUID], with_photos: bool = True) -> dict[UUID, list[VisitPoint]]:
    """Return the points of each patient, oldest first; an empty list for a patient without photos. One query in all.

    More where something changed. Without photos, points have means and intervals alone.
    """
    found = visits_by_patient(patient_ids, with_photos)
    return {patient_id: [point for point in known if point.total] for patient_id, known in found.items()}


def visits_by_patient(patient_ids: Iterable[UUID], with_photos: bool = True) -> dict[UUID, list[VisitPoint]]:
    """Return a point of every visit of each patient, oldest first: also of visits without photos."""
    found: dict[UUID, list[VisitPoint]] = {patient_id: [] for patient_id in patient_ids}
    visits: Iterable[KnownVisit]
    if connection.in_atomic_block:  # a change is under way: it must neither wait for a lock of ours nor hold one
        visits = _visits(list(found), changes_of(found).computed(), with_photos)
    else:
        visits = _up_to_date(list(found), with_photos)
    for known in visits:
        found[known.patient_id].append(known.point)
    return found


def _up_to_date(patient_ids: list[UUID], with_photos: bool) -> Iterable[KnownVisit]:
    """Return the visits of these patients. One query, which asks for marks too, where nothing is outdated."""
    marks = Outdated.objects.with_owner().filter(owner_id__in=patient_ids)
    visits = list(_visits(patient_ids, {}, with_photos, marks=marks))
    if not any(known.is_marked for known in visits[:1]):
        return visits
    refresh(patient_ids)
    return _visits(patient_ids, {}, with_photos)


def recent_points(patient_ids: Collection[UUID], since: date, also: Collection[UUID]) -> dict[UUID, list[VisitPoint]]:
    """Return the stored points of each patient from `since` on, and those of the visits `also`; without photos, oldest first."""
    found: dict[UUID, list[VisitPoint]] = defaultdict(list)
    for known in _visits(patient_ids, {}, False, Q(date__gte=since) | Q(pk__in=also)):
        if known.stored:
            found[known.patient_id].append(known.point)
    return found


def point_of(visit: Visit) -> VisitPoint:
    """Return the point of one visit, even of one without photos."""
    found = visits_by_patient([visit.patient_id])[visit.patient_id]
    return next((point for point in found if point.visit_id == visit.pk), VisitPoint(visit.pk, visit.date))


def outdated_patients() -> set[UUID]:
    """Return the patients with a mark."""
    owners = Outdated.objects.with_owner().exclude(owner_id=None).order_by().values_list("owner_id", flat=True)
    return set(owners.distinct())


def changes_of(patient_ids: Iterable[UUID]) -> Changes:
    """Return the marks of these patients. One query for any usual number of them."""
    changes = Changes()
    for some in parts(list(patient_ids)):
        marks = Outdated.objects.with_owner().filter(owner_id__in=some).order_by()
        for pk, owner, visit in marks.values_list("pk", "owner_id", "of_visit_id"):
            changes.marks[owner].append(pk)
            if visit:
                changes.visits[visit] = owner
            else:
                changes.whole.add(owner)
    return changes


def refresh(patient_ids: Iterable[UUID]) -> None:
    """Compute and store what is outdated of these patients. One query where nothing is."""
    for some in parts(list(patient_ids), AT_ONCE):
        for _ in range(TRIES):
            changes = changes_of(some)
            if not changes.marks:
                break
            with suppress(IntegrityError):  # a visit or a patient was deleted meanwhile
                _store(changes)


def _store(changes: Changes) -> None:
    """Compute, and store what is computed of each patient of whom nothing was stored in the meantime."""
    before = _versions(changes.marks.keys())
    tags = _tags(before.keys())
    owners = list(before)
    gone = [mark for owner in changes.marks.keys() - before.keys() for mark in changes.marks[owner]]
    computed = changes.computed()
    visits: dict[UUID, list[KnownVisit]] = {owner: [] for owner in owners}
    for known in _visits(owners, computed, with_photos=False):
        visits[known.patient_id].append(known)
    with transaction.atomic():
        locked = PatientSummary.objects.select_for_update().filter(patient__in=owners).order_by("pk")
        now = dict(locked.values_list("pk", "version"))
        same = [owner for owner in owners if now.get(owner) == before[owner]]
        theirs = {known.point.visit_id for owner in same for known in visits[owner]} & computed.keys()
        _replace(VisitSummary, [VisitSummary(visit_id=pk, **row._asdict()) for pk in theirs if (row := computed[pk])])
        for some in parts([pk for pk in theirs if computed[pk] is None]):
            VisitSummary.objects.filter(pk__in=some).delete()
        _replace(PatientSummary, [_patient(owner, before[owner] + 1, tags.get(owner, 0), visits[owner]) for owner in same])
        for marks in parts(gone + [mark for owner in same for mark in changes.marks[owner]]):
            Outdated.objects.filter(pk__in=marks).delete()


def _versions(patient_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the version of the summary of each patient, made where there is none. Leaves out patients who are gone."""
    patients = Patient.objects.filter(pk__in=patient_ids).values_list("pk", "summary__version")
    found: dict[UUID, int | None] = dict(patients)
    new = [PatientSummary(patient_id=pk) for pk, version in found.items() if version is None]
    if new:
        PatientSummary.objects.bulk_create(new, ignore_conflicts=True)
        found = dict(patients.all())
    return {pk: version for pk, version in found.items() if version is not None}


def _tags(patient_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the tag of each patient's names: 40 bits of a hash of the sealed texts, which are never twice the same."""
    sealed = (Cast(name, TextField()) for name in ("name", "record_number"))
    rows = Patient.objects.filter(pk__in=patient_ids).values_list("pk", *sealed)
    return {pk: int.from_bytes(sha256(f"{name}\n{number}".encode()).digest()[:5]) for pk, name, number in rows}


def _replace(model: type[Summary], rows: list[Summary]) -> None:
    """Store the rows, over those that are there."""
    fields = [each.name for each in model._meta.concrete_fields if not each.primary_key]
    unique = [model._meta.pk.name]
    model._default_manager.bulk_create(rows, batch_size=500, update_conflicts=True, unique_fields=unique, update_fields=fields)


def _visits(
    patient_ids: Collection[UUID],
    computed: dict[UUID, Stored | None],
    with_photos: bool,
    which: Q = EVERY,
    marks: QuerySet[Outdated] | None = None,
) -> Iterator[KnownVisit]:
    """Yield the visits of these patients, oldest first, with what is `computed` before what is stored. One query.

    It also tells whether there are `marks`.
    """
    fields = Stored._fields if with_photos else Stored._fields[:-1]
    rows = Visit.objects.filter(which, patient__in=patient_ids).order_by("date", "created_at", "id")
    rows = rows.annotate(has_note=~Q(note=""), is_marked=Value(False) if marks is None else Exists(marks))
    of_summary = (f"summary__{name}" for name in fields)
    for pk, patient_id, day, is_baseline, has_note, is_marked, *kept in rows.values_list(*OF_VISIT, *of_summary):
        stored = computed[pk] if pk in computed else None if kept[0] is None else Stored(*kept)
        if stored is None:
            yield KnownVisit(patient_id, VisitPoint(pk, day, is_baseline=is_baseline, has_note=has_note), None, is_marked)
            continue
        keys, probabilities = unpack_photos(bytes(stored.photos))
        point = VisitPoint(
            pk,
            day,
            *stored[:6],
            model_versions=tuple(stored.model_versions),
            photo_probabilities=probabilities,
            photo_keys=keys,
            is_baseline=is_baseline,
            has_note=has_note,
            stored=unpack_numbers(bytes(stored.numbers)),
        )
        yield KnownVisit(patient_id, point, stored, is_marked)


def _stored(photos: PhotoQuerySet) -> dict[UUID, Stored | None]:
    return {visit_id: Stored.of(tally) for visit_id, tally in tallies(photos).items()}


def _patient(patient_id: UUID, version: int, names_tag: int, visits: Sequence[KnownVisit]) -> PatientSummary:
    """Return the summary of a patient with these visits, all of them, oldest first."""
    found = [known.point for known in visits if known.stored]
    news = [known.stored for known in visits if known.stored]
    baseline, last = baseline_of(found), found[-1] if found else None
    place = baseline.place(last) if baseline and last else None
    return PatientSummary(
        patient_id=patient_id,
        version=version,
        names_tag=names_tag,
        visited_on=max((known.point.date for known in visits), default=None),
        last_on=last.date if last else None,
        last_visit=last.visit_id if last else None,
        valence=last.valence if last else None,
        place=None if place is None else PLACES[place],
        range_low=baseline.low if baseline else None,
        range_high=baseline.high if baseline else None,
        chosen_that_count=chosen_that_count(found),
        to_choose=sum(each.open_to_choose for each in news),
        refused=sum(each.open_refused for each in news),
        on_the_way=sum(each.open_on_the_way for each in news),
        read_at=max((each.read_at for each in news if each.read_at), default=None),
    )


def parts(things: Sequence[Thing], size: int = IN_A_LIST) -> Iterator[Sequence[Thing]]:
    """Yield the things, `size` at once; nothing for none."""
    yield from (things[start : start + size] for start in range(0, len(things), size))
