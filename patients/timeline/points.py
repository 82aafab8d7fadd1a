"""One point per visit that has photos: how many count, their mean probabilities and their valence index."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS, valence_index
from patients.models import Patient, Photo, Visit
from patients.models.photo import PhotoQuerySet
from patients.timeline.interval import LEAST, Interval, bootstrap

Probabilities = tuple[float, ...]
State = Prediction.State
DONE = State.DONE  # a name of its own is read faster, and this one is asked of every photo
FIELDS = ("state", "abstained", "model_version", *EXPRESSIONS)


@dataclass(frozen=True)
class Probability:
    """The mean probability of one expression at one visit. `interval` is None below three photos."""

    expression: str
    mean: float
    interval: Interval | None


@dataclass(frozen=True)
class VisitPoint:
    """One visit that has photos. Each photo is in exactly one of the six counts; only the used ones enter means.

    `photo_probabilities` holds seven probabilities in label order for each used photo: shape (used, 7).
    Means and intervals are computed on first use.
    """

    visit_id: UUID
    date: date
    used: int = 0
    excluded: int = 0  # by a clinician
    failed: int = 0  # no face, insufficient quality, or a fault
    to_choose: int = 0  # several faces, none chosen yet
    too_close: int = 0  # read, but too close to call
    unfinished: int = 0  # waiting or being read
    model_versions: tuple[str, ...] = ()  # of the used photos, usually one
    photo_probabilities: tuple[Probabilities, ...] = ()
    photo_keys: tuple[str, ...] = ()  # the ids of the used photos as 32 digits, in the same order
    is_baseline: bool = False  # chosen by a clinician as usual for the patient

    @property
    def total(self) -> int:
        """Return how many photos the visit has."""
        return self.used + self.missing

    @property
    def missing(self) -> int:
        """Return how many photos do not count, for any reason."""
        return self.excluded + self.failed + self.to_choose + self.too_close + self.unfinished

    @property
    def is_sparse(self) -> bool:
        """Whether only one or two photos count: such a visit is drawn hollow, without an interval."""
        return 0 < self.used < LEAST

    @cached_property
    def mean_probabilities(self) -> Probabilities | None:
        """Return seven mean probabilities in label order, or None when no photo is used."""
        if not self.photo_probabilities:
            return None
        return tuple(sum(column) / self.used for column in zip(*self.photo_probabilities, strict=True))

    @cached_property
    def valence(self) -> float | None:
        """Return the mean valence index in [-1, 1], or None when no photo is used."""
        return None if self.mean_probabilities is None else valence_index(self.mean_probabilities)

    @cached_property
    def photo_valences(self) -> tuple[float, ...]:
        """Return the valence index of each used photo."""
        return tuple(valence_index(probabilities) for probabilities in self.photo_probabilities)

    @cached_property
    def _intervals(self) -> tuple[Interval, ...] | None:
        """Return the intervals of the seven probabilities and of the valence index, or None below three photos."""
        if self.used < LEAST:
            return None
        photos = zip(self.photo_probabilities, self.photo_valences, strict=True)
        return bootstrap([(*probabilities, value) for probabilities, value in photos])

    @property
    def interval(self) -> Interval | None:
        """Return the 95% interval of the valence index, or None below three photos."""
        return self._intervals[-1] if self._intervals else None

    @cached_property
    def probabilities(self) -> tuple[Probability, ...]:
        """Return the seven probabilities in label order with their intervals; empty when no photo is used."""
        if self.mean_probabilities is None:
            return ()
        intervals = self._intervals or (None,) * (len(EXPRESSIONS) + 1)
        return tuple(Probability(*each) for each in zip(EXPRESSIONS, self.mean_probabilities, intervals[:-1], strict=True))

    @property
    def top(self) -> tuple[Probability, ...]:
        """Return the two largest probabilities, the larger first."""
        return tuple(sorted(self.probabilities, key=lambda each: -each.mean)[:2])

    def as_json(self) -> dict[str, Any]:  # Any: a JSON object
        """Return the point as plain JSON types; intervals are [low, high] or null below three photos."""
        counts = ("used", "excluded", "failed", "to_choose", "too_close", "unfinished", "total")
        return {
            "visit": str(self.visit_id),
            "date": self.date.isoformat(),
            "photos": {name: getattr(self, name) for name in counts},
            "valence": self.valence,
            "valence_interval": _ends(self.interval),
            "shares": {each.expression: each.mean for each in self.probabilities} or None,
            "share_intervals": {each.expression: _ends(each.interval) for each in self.probabilities} or None,
            "model_versions": list(self.model_versions),
        }


def points(patient: Patient) -> list[VisitPoint]:
    """Return the visits of `patient` that have photos, oldest first. Two queries, whatever the number of visits."""
    return points_by_patient([patient.pk])[patient.pk]


def points_by_patient(patient_ids: Iterable[UUID]) -> dict[UUID, list[VisitPoint]]:
    """Return the points of each patient, oldest first; an empty list for a patient without photos. Two queries in all."""
    found: dict[UUID, list[VisitPoint]] = {patient_id: [] for patient_id in patient_ids}
    visits = Visit.objects.filter(patient__in=list(found)).order_by("date", "created_at", "id")
    tallies = _tallies(Photo.objects.filter(visit__patient__in=list(found)))
    for visit_id, patient_id, day, is_baseline in visits.values_list("id", "patient_id", "date", "is_baseline"):
        if visit_id in tallies:
            found[patient_id].append(tallies[visit_id].point(visit_id, day, is_baseline))
    return found


def point_of(visit: Visit) -> VisitPoint:
    """Return the point of one visit, even of one without photos. One query."""
    tallies = _tallies(Photo.objects.filter(visit=visit))
    return tallies[visit.pk].point(visit.pk, visit.date, visit.is_baseline) if tallies else VisitPoint(visit.pk, visit.date)


def _ends(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


class _Tally:
    """Counts the photos of one visit."""

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self.versions: set[str] = set()
        self.probabilities: list[Probabilities] = []
        self.keys: list[str] = []

    def add(
        self,
        key: str,
        is_excluded: bool,
        is_erased: bool,
        state: str | None,
        abstained: bool,
        version: str,
        *probabilities: float,
    ) -> None:
        """Count the photo `key` by its newest prediction; `state` is None when there is none."""
        use = "excluded" if is_excluded else _use(state, abstained, is_erased)
        self.uses[use] += 1
        if use == "used":
            self.versions.add(version)
            self.probabilities.append(probabilities)
            self.keys.append(key.replace("-", ""))  # SQLite keeps ids without hyphens, PostgreSQL with them

    def point(self, visit_id: UUID, day: date, is_baseline: bool = False) -> VisitPoint:
        """Return the counts as the point of a visit."""
        return VisitPoint(
            visit_id,
            day,
            model_versions=tuple(sorted(self.versions, key=version_order)),
            photo_probabilities=tuple(self.probabilities),
            photo_keys=tuple(self.keys),
            is_baseline=is_baseline,
            **self.uses,
        )


def version_order(version: str) -> list[tuple[int, str]]:
    """Return a sort key for model versions: 1.9.0 comes before 1.10.0."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in version.split(".")]


def _use(state: str | None, abstained: bool, is_erased: bool) -> str:
    """Return the name of the count for a photo, given its newest prediction."""
    # Most photos are done, so this is asked first.
    if state == DONE:
        return "too_close" if abstained else "used"
    if state is None or state in Prediction.UNFINISHED:
        return "unfinished"
    # No face of an erased picture can be chosen.
    return "to_choose" if state == State.CHOOSE_FACE and not is_erased else "failed"


def _tallies(photos: PhotoQuerySet) -> dict[UUID, _Tally]:
    """Return the counts of each visit that has photos. One query."""
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for key, visit_id, *row in _newest(photos):
        tallies[visit_id].add(key, *row)
    return {UUID(visit_id): tally for visit_id, tally in tallies.items()}


def _newest(photos: PhotoQuerySet) -> Iterator[tuple[Any, ...]]:  # Any: what a row holds
    """Yield one row per photo: its id, its visit's, whether excluded, whether erased, and FIELDS of the newest prediction.

    Ids are text: converting thousands of them to UUIDs takes longer than the query.
    """
    rows = (
        photos.annotate(is_excluded=Q(excluded_at__isnull=False), is_blank=Q(image=""))
        .annotate(photo_key=Cast("id", CharField()), visit_key=Cast("visit_id", CharField()))
        .order_by("id", "predictions__requested_at", "predictions__id")
        .values_list("photo_key", "visit_key", "is_excluded", "is_blank", *(f"predictions__{field}" for field in FIELDS))
    )
    for _photo, versions in groupby(rows.iterator(chunk_size=2000), key=itemgetter(0)):
        *_older, newest = versions
        yield newest
