"""Photos with their newest readings as plain rows: what the columns of the photo table read. No model instance per row."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import CharField, QuerySet, TextField
from django.db.models.functions import Cast

from encryption.fields import sealed_fields_of
from encryption.seal import Place
from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import OwnLabel, Patient, Photo, User
from patients.models.photo import PhotoQuerySet
from patients.readings.agreement import is_same_face
from patients.reports.scope import Scope

State = Prediction.State
VISITS_AT_ONCE, FIRST_VISITS = 100, 10
VisitFacts = tuple[UUID, date, Patient]
"""Id, day and patient."""
OF_PHOTO = ("photo_key", "visit_key", "taken", "uploaded", "width", "height", "excluded_at", "excluded_reason")
OF_READING = ("state", "reason", "model_version", "chosen_face")
OF_RESULT = ("abstained", *EXPRESSIONS)
NO_RESULT = (None,) * len(OF_RESULT)
RESULT = len(OF_PHOTO) + len(OF_READING)  # where these begin in a row of the database
STATE = len(OF_PHOTO)
PROCESSED = frozenset(State) - {*Prediction.UNFINISHED, State.FAILED}
REASON = next(field for field in sealed_fields_of(Photo) if field.name == "excluded_reason")
NO_LABELS: tuple[tuple[str, Any], ...] = ()
SCORE = re.compile(r'"detector_score":\s*([^,}\s]+)')


def hyphenated(key: str) -> str:
    """Return an id as people see it. SQLite keeps ids without hyphens, PostgreSQL with them."""
    return key if "-" in key else f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


def faces_in(faces: str) -> int:
    """Return the number of faces in the JSON of a row, without reading the JSON."""
    return faces.count('"detector_score"')


def detector_score(faces: str, number: int) -> float:
    """Return the score of one face in the JSON of a row. Finding it takes a quarter of the time that reading the JSON takes."""
    return float(SCORE.findall(faces)[number])


class PhotoRow(NamedTuple):
    """One photo. What comes of its reading is None without one; `faces` is the JSON of the row.

    `abstained` and the probabilities are None unless it is DONE: otherwise the database may hold those of an earlier reading.
    """

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
    excluded_reason: Any  # text; sealed until `_opened`
    state: str | None
    reason: str | None
    model_version: str | None
    chosen_face: int | None
    abstained: bool | None
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
        return self.state in PROCESSED and self.reason not in Prediction.DROPPED

    @property
    def is_used(self) -> bool:
        """Whether it counts in the mean of its visit."""
        return self.excluded_at is None and self.abstained is False

    @property
    def open_labels(self) -> list[str]:
        """The labels of the face that was read."""
        faces = json.loads(self.faces) if self.faces else []
        return [label for label, box in self.labels if self.state is None or is_same_face(box, faces, self.chosen_face)]


def photo_rows(scope: Scope, reader: User | None = None) -> Iterator[PhotoRow]:
    """Yield one row per photo, by patient, visit and time. Two queries for each hundred visits, and memory for their photos.

    Labels are those that `reader` may see; none without a reader.
    """
    make = PhotoRow._make
    for visits in _portions(_visits(scope)):
        ids = [pk for pk, _day, _patient in visits]
        labels = _labels(ids, reader)
        by_visit: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in _newest(_readings(Photo.objects.filter(visit__in=ids))):
            by_visit[row[1]].append(row)
        for pk, day, patient in visits:
            visit, number = str(pk), patient.record_number
            # SQLite keeps ids without hyphens, PostgreSQL with them.
            for row in by_visit.get(visit, []) or by_visit.get(pk.hex, []):
                made = make((visit, day, number, labels.get(row[0], NO_LABELS), *row))
                yield _opened(made, patient) if made.excluded_reason else made


def _opened(row: PhotoRow, patient: Patient) -> PhotoRow:
    """Return the row with the reason why its photo was excluded, opened."""
    place = Place(Photo._meta.label, REASON.name, row.photo, str(patient.pk))
    return row._replace(excluded_reason=REASON.opened_at(place, row.excluded_reason, patient.pk))


def _visits(scope: Scope) -> Iterator[VisitFacts]:
    """Yield id, day and patient of each visit, by patient and day. One query for each hundred patients."""
    for patients in scope.portions():
        found: dict[UUID, list[tuple[UUID, date]]] = defaultdict(list)
        rows = scope.visits_of(*patients).order_by("date", "pk")
        for pk, patient_id, day in rows.values_list("pk", "patient_id", "date"):
            found[patient_id].append((pk, day))
        for patient in patients:
            yield from ((pk, day, patient) for pk, day in found[patient.pk])


def _portions(visits: Iterator[VisitFacts]) -> Iterator[list[VisitFacts]]:
    """Yield the visits, many at once; a few at first, so that the first row is there soon."""
    size = FIRST_VISITS
    while some := list(islice(visits, size)):
        yield some
        size = VISITS_AT_ONCE


def _newest(readings: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:  # Any: what a row holds
    """Yield the last of each photo's readings, which is the newest; without a result unless it is DONE."""
    for _photo, versions in groupby(readings, key=itemgetter(0)):
        *_older, newest = versions
        yield newest if newest[STATE] == State.DONE else (*newest[:RESULT], *NO_RESULT, newest[-1])


def _readings(photos: PhotoQuerySet) -> QuerySet[Photo, tuple[Any, ...]]:
    """Return one tuple per reading, and one for a photo without any: the fields of PhotoRow from `photo_key` on.

    Ids, times and faces are text: as objects, thousands of them would take longer than the query.
    """
    of_reading = (f"predictions__{name}" for name in (*OF_READING, *OF_RESULT))
    return (
        photos.annotate(photo_key=Cast("id", CharField()), visit_key=Cast("visit_id", CharField()))
        .annotate(taken=Cast("taken_at", TextField()), uploaded=Cast("uploaded_at", TextField()))
        .annotate(faces=Cast("predictions__faces", TextField()))
        .order_by("uploaded_at", "id", "predictions__requested_at", "predictions__id")
        .values_list(*OF_PHOTO, *of_reading, "faces")
    )


def _labels(visit_ids: Sequence[UUID], reader: User | None) -> dict[str, tuple[tuple[str, Any], ...]]:
    """Return label and box of the labels open to `reader`, by photo of these visits."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    if reader is not None:
        own = OwnLabel.objects.open_to(reader).filter(photo__visit__in=visit_ids).order_by("given_at", "id")
        for photo, label, box in own.values_list("photo_id", "label", "box"):
            for key in (str(photo), photo.hex):
                found[key].append((label, box))
    return {key: tuple(pairs) for key, pairs in found.items()}
