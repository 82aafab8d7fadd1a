"""One point per visit that has photos: how many count, their mean probabilities and their valence index."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

from ml.serve.expressions import EXPRESSIONS, valence_index
from patients.timeline.interval import LEAST, Interval, bootstrap
from patients.timeline.packed import Numbers

Probabilities = tuple[float, ...]


@dataclass(frozen=True)
class Probability:
    """The mean probability of one expression at one visit. `interval` is None below three photos."""

    expression: str
    mean: float
    interval: Interval | None


@dataclass(frozen=True)
class VisitPoint:
    """One visit that has photos. Each photo is in exactly one of the six counts; only the used ones enter means.

    `photo_probabilities` holds seven probabilities in label order for each used photo: shape (used, 7); empty where only means were
    asked for. Means and intervals are computed on first use, unless they are `stored`.
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
    has_note: bool = field(default=False, compare=False)
    stored: Numbers | None = field(default=None, compare=False, repr=False)  # what was computed of the same photos before

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
        if self.stored:
            return self.stored.means
        if not self.photo_probabilities:
            return None
        return tuple(sum(column) / self.used for column in zip(*self.photo_probabilities, strict=True))

    @cached_property
    def valence(self) -> float | None:
        """Return the mean valence index in [-1, 1], or None when no photo is used."""
        if self.stored:
            return self.stored.valence
        return None if self.mean_probabilities is None else valence_index(self.mean_probabilities)

    @cached_property
    def photo_valences(self) -> tuple[float, ...]:
        """Return the valence index of each used photo."""
        return tuple(valence_index(probabilities) for probabilities in self.photo_probabilities)

    @cached_property
    def _intervals(self) -> tuple[Interval, ...] | None:
        """Return the intervals of the seven probabilities and of the valence index, or None below three photos."""
        if self.stored:
            return self.stored.intervals
        if self.used < LEAST:
            return None
        photos = zip(self.photo_probabilities, self.photo_valences, strict=True)
        return bootstrap([(*probabilities, value) for probabilities, value in photos])

    @property
    def numbers(self) -> Numbers | None:
        """Return means, valence index and intervals, to be stored; None when no photo is used."""
        if self.mean_probabilities is None or self.valence is None:
            return None
        return Numbers(self.mean_probabilities, self.valence, self._intervals)

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

    @cached_property
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


def _ends(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


def version_order(version: str) -> list[tuple[int, str]]:
    """Return a sort key for model versions: 1.9.0 comes before 1.10.0."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in version.split(".")]
