"""Photos with their newest readings as plain rows: what the columns of the photo table read. No model instance per row."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import CharField, QuerySet, TextField
from django.db.models.functions import Cast

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import OwnLabel, Photo, User
from patients.models.photo import PhotoQuerySet
from patients.readings.agreement import is_same_face
from patients.reports.scope import Scope

State = Prediction.State
AT_ONCE = 5000
OF_PHOTO = ("photo_key", "visit_key", "taken", "uploaded", "width", "height", "excluded_at", "excluded_reason")
OF_READING = ("state", "reason", "abstained", "chosen_face", "model_version")
NO_LABELS: tuple[tuple[str, Any], ...] = ()
SCORE = re.compile(r'"detector_score":\s*([^,}\s]+)')


def hyphenated(key: str) -> str:
    """Return an id as people see it. SQLite keeps ids without hyphens, PostgreSQL with them."""
    return key if "-" in key else f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


@lru_cache(maxsize=1)  # the next column of the same row asks again
def detector_scores(faces: str) -> list[str]:
    """Return the score of each face in the JSON of a row. Finding them takes a quarter of the time that reading the JSON takes."""
    return SCORE.findall(faces)


class PhotoRow(NamedTuple):
    """One photo. What comes of its reading is None without one; `faces` is the JSON of the row."""

    visit: str
    visit_date: date
    record_number: str
    labels: tuple[tuple[str, Any], ...]  # label and box, oldest first. Any: JSON
    photo_key: str  # with or without hyphens, as the database keeps it
    visit_key: str
    taken_at: str | None  # in UTC, as the database writes it
    uploaded_at: str
    width: int
    height: int
    excluded_at: datetime | None
    excluded_reason: str
    state: str | None
    reason: str | None
    abstained: bool | None
    chosen_face: int | None
    model_version: str | None
    angry: float | None
    disgust: float | None
    fear: float | None
    happy: float | None
    sad: float | None
    surprise: float | None
    neutral: float | None
    faces: str | None

    @property
    def photo(self) -> str:
        """The id of the photo."""
        return hyphenated(self.photo_key)

    @property
    def is_final(self) -> bool:
        """Whether it has a reading whose state changes only when a clinician acts."""
        return self.state is not None and self.state not in Prediction.UNFINISHED

    @property
    def is_processed(self) -> bool:
        """Whether a model has processed it, as `Prediction.is_processed` says."""
        return self.is_final and self.state != State.FAILED and self.reason not in Prediction.DROPPED

    @property
    def is_used(self) -> bool:
        """Whether it counts in the mean of its visit."""
        return self.excluded_at is None and self.state == State.DONE and not self.abstained

    @property
    def open_labels(self) -> list[str]:
        """The labels of the face that was read."""
        faces = json.loads(self.faces) if self.faces else []
        return [label for label, box in self.labels if self.state is None or is_same_face(box, faces, self.chosen_face)]


def photo_rows(scope: Scope, reader: User | None = None) -> Iterator[PhotoRow]:
    """Yield one row per photo, by patient, visit and time. Three queries for each patient, and memory for one batch.

    Labels are those that `reader` may see; none without a reader.
    """
    for patient in scope.patients:
        days: dict[str, tuple[str, date]] = {}
        for pk, day in scope.visits_of(patient).values_list("pk", "date"):
            days[str(pk)] = days[pk.hex] = (str(pk), day)
        photos = scope.photos_of(patient)
        labels, number = _labels(photos, reader), patient.record_number
        of_visits = {key: (visit, day, number) for key, (visit, day) in days.items()}
        make = PhotoRow._make
        before: tuple[Any, ...] | None = None  # Any: what a row holds
        for row in _readings(photos).iterator(chunk_size=AT_ONCE):
            # The last of a photo's readings is the newest.
            if before is not None and before[0] != row[0]:
                yield make((*of_visits[before[1]], labels.get(before[0], NO_LABELS), *before))
            before = row
        if before is not None:
            yield make((*of_visits[before[1]], labels.get(before[0], NO_LABELS), *before))


def _readings(photos: PhotoQuerySet) -> QuerySet[Photo, tuple[Any, ...]]:
    """Return one tuple per reading, and one for a photo without any: the fields of PhotoRow from `photo_key` on.

    Ids, times and faces are text: as objects, thousands of them would take longer than the query.
    """
    of_reading = (f"predictions__{name}" for name in (*OF_READING, *EXPRESSIONS))
    return (
        photos.annotate(photo_key=Cast("id", CharField()), visit_key=Cast("visit_id", CharField()))
        .annotate(taken=Cast("taken_at", TextField()), uploaded=Cast("uploaded_at", TextField()))
        .annotate(faces=Cast("predictions__faces", TextField()))
        .order_by("visit__date", "visit_id", "uploaded_at", "id", "predictions__requested_at", "predictions__id")
        .values_list(*OF_PHOTO, *of_reading, "faces")
    )


def _labels(photos: PhotoQuerySet, reader: User | None) -> dict[str, tuple[tuple[str, Any], ...]]:
    """Return label and box of the labels open to `reader`, by photo."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    if reader is not None:
        own = OwnLabel.objects.open_to(reader).filter(photo__in=photos.values("pk")).order_by("given_at", "id")
        for photo, label, box in own.values_list("photo_id", "label", "box"):
            for key in (str(photo), photo.hex):
                found[key].append((label, box))
    return {key: tuple(pairs) for key, pairs in found.items()}
