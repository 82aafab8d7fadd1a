"""The columns of the photo table. Both CSV files and the data dictionary are made from this list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Photo
from patients.readings.agreement import is_same_face

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
State = Prediction.State
Cell = str | float | int | bool | date | datetime | None


@dataclass(frozen=True)
class ColumnDescription:
    """What the data dictionary says about one column."""

    name: str
    kind: str
    meaning: str | Promise


@dataclass(frozen=True)
class Column(ColumnDescription):
    """One column of the photo table.

    `value` gets the photo and its newest prediction; None becomes an empty cell. `in_research` adds the column to the research CSV:
    only for numbers and codes that identify no one.
    """

    value: Callable[[Photo, Prediction | None], Cell]
    in_research: bool = False


def _call(make_text: Callable[[], str]) -> str:
    return make_text()


_call_lazily = lazy(_call, str)


def _probability_column(expression: str) -> Column:
    def meaning() -> str:
        text = gettext(
            "Calibrated probability of %(name)s: of ten people who name one of the seven expressions, about ten times this number."
        )
        return text % {"name": gettext(expression)}

    # Formatted only when it is shown: the name in it needs the reader's language.
    meaning_later = _call_lazily(meaning)
    return Column(
        expression, "number, 0 to 1", meaning_later, lambda photo, read: _field(_if_done(read), expression), in_research=True
    )


def _field(read: Prediction | None, name: str) -> Cell:
    value: Cell = getattr(read, name) if read else None
    return value


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment) if moment else None


def _if_done(read: Prediction | None) -> Prediction | None:
    """Return the prediction if it is done. In any other state it may still hold the values of an earlier reading."""
    return read if read and read.state == State.DONE else None


def _if_detected(read: Prediction | None) -> Prediction | None:
    return read if read and read.is_processed else None


def _faces_found(read: Prediction | None) -> Cell:
    return len(read.faces) if read else None


def _detector_score(read: Prediction | None) -> Cell:
    if read is None or read.chosen_face is None:
        return None
    score: float = read.faces[read.chosen_face]["detector_score"]
    return score


def _labels(photo: Photo, read: Prediction | None) -> Cell:
    labels = photo.own_labels.all()
    return ";".join(each.label for each in labels if read is None or is_same_face(each.box, read.faces, read.chosen_face))


COLUMNS: tuple[Column, ...] = (
    Column("record_number", "text", _("The patient's record number."), lambda photo, read: photo.visit.patient.record_number),
    Column("visit_date", "date", _("Day of the visit in the clinic's time zone."), lambda photo, read: photo.visit.date),
    Column("visit", "id", _("The visit."), lambda photo, read: str(photo.visit_id)),
    Column("photo", "id", _("The photo."), lambda photo, read: str(photo.id)),
    Column(
        "taken_at",
        "time",
        _("Time from the camera; empty if it is missing or impossible, and after the picture is erased."),
        lambda photo, read: _local(photo.taken_at),
    ),
    Column("uploaded_at", "time", _("When the photo was added."), lambda photo, read: _local(photo.uploaded_at)),
    Column("width", "pixels", _("Width of the stored picture; kept after erasure."), lambda photo, read: photo.width),
    Column("height", "pixels", _("Height of the stored picture; kept after erasure."), lambda photo, read: photo.height),
    Column(
        "state",
        "word",
        _("queued, running, done, no_face, choose_face, rejected or failed."),
        lambda photo, read: _field(read, "state"),
        in_research=True,
    ),
    Column(
        "reason",
        "word",
        _("Why the photo was rejected or failed; see the codes below."),
        lambda photo, read: _field(read, "reason"),
    ),
    Column(
        "used",
        "yes or no",
        _("Whether the photo counts in the mean of its visit: done, not excluded, not too close to call."),
        lambda photo, read: photo.is_used,
        in_research=True,
    ),
    Column(
        "excluded", "yes or no", _("Whether a clinician excluded the photo."), lambda photo, read: photo.excluded_at is not None
    ),
    Column("excluded_reason", "text", _("The clinician's reason."), lambda photo, read: photo.excluded_reason),
    Column(
        "too_close_to_call",
        "yes or no",
        _("Whether no probability is high enough; the photo does not count."),
        lambda photo, read: _field(_if_done(read), "abstained"),
        in_research=True,
    ),
    Column(
        "faces_found",
        "number",
        _("Number of faces found."),
        lambda photo, read: _faces_found(_if_detected(read)),
        in_research=True,
    ),
    Column(
        "detector_score",
        "number, 0 to 1",
        _("How certain the detector is that it is a face."),
        lambda photo, read: _detector_score(_if_done(read)),
        in_research=True,
    ),
    *(_probability_column(expression) for expression in EXPRESSIONS),
    Column(
        "valence_index",
        "number, -1 to 1",
        _("happy - (angry + disgust + fear + sad)."),
        lambda photo, read: read.valence if read else None,
        in_research=True,
    ),
    Column(
        "clinician_labels",
        "words",
        _(
            "Clinicians’ labels of the face that was read, oldest first, separated by semicolons. They change no result. "
            "Colleagues’ labels appear once you have given yours."
        ),
        _labels,
    ),
    Column(
        "model_version",
        "text",
        _("Version of the model that read the photo."),
        lambda photo, read: _field(_if_detected(read), "model_version"),
        in_research=True,
    ),
)
