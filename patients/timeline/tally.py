"""Counts the photos of visits by their readings: the only place that decides which photo counts."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import CharField, Q, TextField
from django.db.models.functions import Cast

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models.photo import PhotoQuerySet
from patients.timeline.points import Probabilities, VisitPoint, version_order

State = Prediction.State
DONE = State.DONE  # a name of its own is read faster, and this one is asked of every photo
FIELDS = ("state", "abstained", "model_version", *EXPRESSIONS)
NEWS = ("finished", "predictions__state", "predictions__reason")
OPEN = {
    State.CHOOSE_FACE: "to_choose",
    State.NO_FACE: "refused",
    State.REJECTED: "refused",
    State.FAILED: "refused",
    State.QUEUED: "on_the_way",
    State.RUNNING: "on_the_way",
}
"""What a photo in this state asks for."""


@dataclass
class Tally:
    """The photos of one visit, counted."""

    uses: Counter[str] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)
    probabilities: list[Probabilities] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)  # photos that ask for attention: neither erased, excluded nor dismissed
    finished: str = ""  # when the last photo was read or began to need attention, in UTC as the database writes it

    @property
    def read_at(self) -> datetime | None:
        """When the last photo was read, or began to need attention; None for never."""
        at = datetime.fromisoformat(self.finished) if self.finished else None
        return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)

    def add(
        self, key: str, is_excluded: bool, is_erased: bool, state: str | None, abstained: bool, version: str, *probabilities: float
    ) -> None:
        """Count the photo `key` by its newest prediction; `state` is None when there is none."""
        use = "excluded" if is_excluded else _use(state, abstained, is_erased)
        self.uses[use] += 1
        if use == "used":
            self.versions.add(version)
            self.probabilities.append(probabilities)
            self.keys.append(key.replace("-", ""))  # SQLite keeps ids without hyphens, PostgreSQL with them

    def hear(self, finished: str | None, state: str | None, reason: str | None) -> None:
        """Note when one of the predictions, of any model, ended as news."""
        if finished and state not in Prediction.UNFINISHED and not (state == State.REJECTED and reason in Prediction.DROPPED):
            self.finished = max(self.finished, finished)

    def point(self, visit_id: UUID, day: date, is_baseline: bool = False) -> VisitPoint:
        """Return the counts as the point of a visit."""
        counts: dict[str, Any] = dict(self.uses)  # Any: mypy would take them for any field
        return VisitPoint(
            visit_id,
            day,
            model_versions=tuple(sorted(self.versions, key=version_order)),
            photo_probabilities=tuple(self.probabilities),
            photo_keys=tuple(self.keys),
            is_baseline=is_baseline,
            **counts,
        )


def _use(state: str | None, abstained: bool, is_erased: bool) -> str:
    """Return the name of the count for a photo, given its newest prediction."""
    # Most photos are done, so this is asked first.
    if state == DONE:
        return "too_close" if abstained else "used"
    if state is None or state in Prediction.UNFINISHED:
        return "unfinished"
    # No face of an erased picture can be chosen.
    return "to_choose" if state == State.CHOOSE_FACE and not is_erased else "failed"


def tallies(photos: PhotoQuerySet) -> dict[UUID, Tally]:
    """Return the counts of each visit that has one of the photos. One query."""
    found: dict[str, Tally] = defaultdict(Tally)
    for versions in _by_photo(photos):
        key, visit_id, is_excluded, is_erased, is_dismissed, *newest = versions[-1]
        tally = found[visit_id]
        tally.add(key, is_excluded, is_erased, *newest[: len(FIELDS)])
        if newest[0] in OPEN and not (is_excluded or is_erased or is_dismissed):
            tally.open[OPEN[newest[0]]] += 1
        for row in versions:
            tally.hear(*row[-len(NEWS) :])
    return {UUID(visit_id): tally for visit_id, tally in found.items()}


def _by_photo(photos: PhotoQuerySet) -> Iterator[list[Any]]:  # Any: what a row holds
    """Yield the readings of each photo, the newest last: ids of photo and visit, three facts of the photo, FIELDS and NEWS.

    Ids and times are text, which sorts as they do: converting thousands of them takes longer than the query.
    """
    of_reading = (f"predictions__{name}" for name in FIELDS)
    rows = (
        photos.annotate(is_excluded=Q(excluded_at__isnull=False), is_blank=Q(image=""), is_dismissed=Q(dismissed_at__isnull=False))
        .annotate(photo_key=Cast("id", CharField()), visit_key=Cast("visit_id", CharField()))
        .annotate(requested=Cast("predictions__requested_at", TextField()), reading=Cast("predictions__id", CharField()))
        .annotate(finished=Cast("predictions__finished_at", TextField()))
        .order_by()
        .values_list(
            "photo_key", "visit_key", "is_excluded", "is_blank", "is_dismissed", *of_reading, *NEWS, "requested", "reading"
        )
    )
    # Sorted here: with ORDER BY, PostgreSQL may walk the photos of the whole clinic in the order of their ids.
    ordered = sorted(rows, key=lambda row: (row[0], row[-2] or "", row[-1] or ""))
    for _photo, versions in groupby(ordered, key=itemgetter(0)):
        yield [row[:-2] for row in versions]
