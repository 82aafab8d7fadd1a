"""The columns of the photo table. Its CSV file, the research CSV and the data dictionary are made from this list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from ml.serve.expressions import EXPRESSIONS, valence_index
from patients.reports.photo_rows import PhotoRow, State, detector_score, faces_in

KINDS = (
    gettext_noop("date"),
    gettext_noop("id"),
    gettext_noop("number"),
    gettext_noop("number, 0 to 1"),
    gettext_noop("number, -1 to 1"),
    gettext_noop("pixels"),
    gettext_noop("text"),
    gettext_noop("time"),
    gettext_noop("word"),
    gettext_noop("words"),
    gettext_noop("yes or no"),
)
"""What `Column.kind` can be, marked for translators: the template translates the kind itself."""
FIRST_PROBABILITY = PhotoRow._fields.index(EXPRESSIONS[0])
Row = TypeVar("Row")
Cell = str | float | int | bool | date | datetime | None


@dataclass(frozen=True)
class ColumnDescription:
    """What the data dictionary says about one column."""

    name: str
    kind: str
    meaning: str | Promise


@dataclass(frozen=True)
class Column(ColumnDescription, Generic[Row]):
    """One column of a table, whose rows are all of one class.

    `value` gets the row; None becomes an empty cell. `in_research` adds a column of the photo table to the research CSV: only for
    numbers and codes that identify no one.
    """

    value: Callable[[Row], Cell]
    in_research: bool = False


def _call(make_text: Callable[[], str]) -> str:
    return make_text()


lazily = lazy(_call, str)


def probability(name: str) -> str:
    """Return what a calibrated probability means. Its words are made when they are shown, in the reader's language."""

    def meaning() -> str:
        text = gettext(
            "Calibrated probability of %(name)s: of ten people who name one of the seven expressions, about ten times this number."
        )
        return text % {"name": gettext(name)}

    return lazily(meaning)


def _of(name: str) -> Callable[[PhotoRow], Any]:  # Any: what the field holds
    """Return what reads one field of a row, faster than a function of Python."""
    return itemgetter(PhotoRow._fields.index(name))


def _valence(row: PhotoRow) -> Cell:
    if row.happy is None:
        return None
    return valence_index(row[FIRST_PROBABILITY : FIRST_PROBABILITY + len(EXPRESSIONS)])  # type: ignore[arg-type]  # with one, all seven


def _detector_score(row: PhotoRow) -> Cell:
    if row.state != State.DONE or row.chosen_face is None or not row.faces:
        return None
    return detector_score(row.faces, row.chosen_face)


COLUMNS: tuple[Column[PhotoRow], ...] = (
    Column("record_number", "text", _("The patient's record number."), _of("record_number")),
    Column("visit_date", "date", _("Day of the visit in the clinic's time zone."), _of("visit_date")),
    Column("visit", "id", _("The visit."), _of("visit")),
    Column("photo", "id", _("The photo."), lambda row: row.photo),
    Column(
        "taken_at",
        "time",
        _("Time from the camera; empty if it is missing or impossible, and after the picture is erased."),
        _of("taken_at"),
    ),
    Column("uploaded_at", "time", _("When the photo was added."), _of("uploaded_at")),
    Column("width", "pixels", _("Width of the stored picture; kept after erasure."), _of("width")),
    Column("height", "pixels", _("Height of the stored picture; kept after erasure."), _of("height")),
    Column(
        "state",
        "word",
        _("queued, running, done, no_face, choose_face, rejected or failed."),
        _of("state"),
        in_research=True,
    ),
    Column(
        "reason",
        "word",
        _("Why the photo was rejected or failed; see the codes below."),
        _of("reason"),
    ),
    Column(
        "used",
        "yes or no",
        _("Whether the photo counts in the mean of its visit: done, not excluded, not too close to call."),
        lambda row: row.is_used,
        in_research=True,
    ),
    Column("excluded", "yes or no", _("Whether a clinician excluded the photo."), lambda row: row.excluded_at is not None),
    Column("excluded_reason", "text", _("The clinician's reason."), _of("excluded_reason")),
    Column(
        "too_close_to_call",
        "yes or no",
        _("Whether no probability is high enough; the photo does not count."),
        _of("abstained"),
        in_research=True,
    ),
    Column(
        "faces_found",
        "number",
        _("Number of faces found."),
        lambda row: faces_in(row.faces) if row.faces and row.is_processed else None,
        in_research=True,
    ),
    Column(
        "detector_score",
        "number, 0 to 1",
        _("How certain the detector is that it is a face."),
        _detector_score,
        in_research=True,
    ),
    *(Column(name, "number, 0 to 1", probability(name), _of(name), in_research=True) for name in EXPRESSIONS),
    Column(
        "valence_index",
        "number, -1 to 1",
        _("happy - (angry + disgust + fear + sad)."),
        _valence,
        in_research=True,
    ),
    Column(
        "clinician_labels",
        "words",
        _(
            "Clinicians’ labels of the face that was read, oldest first, separated by semicolons. They change no result. "
            "Colleagues’ labels appear once you have given yours."
        ),
        lambda row: ";".join(row.open_labels) if row.labels else "",
    ),
    Column(
        "model_version",
        "text",
        _("Version of the model that read the photo."),
        lambda row: row.model_version if row.is_processed else None,
        in_research=True,
    ),
)
