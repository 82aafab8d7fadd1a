"""The columns of the photo table: their meaning, unit and value in one place, for the export and its data dictionary."""

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
"""What `Column.kind` can be, for translators: the data dictionary translates the word itself."""
State = Prediction.State
Cell = str | float | int | bool | date | datetime | None


@dataclass(frozen=True)
class Described:
    """What the data dictionary says of one column."""

    name: str
    kind: str
    meaning: str | Promise


@dataclass(frozen=True)
class Column(Described):
    """One column. `value` gets the photo and its newest prediction; None becomes an empty cell."""

    value: Callable[[Photo, Prediction | None], Cell]


def _said(words: Callable[[], str]) -> str:
    return words()


_said_later = lazy(_said, str)


def _share(expression: str) -> Column:
    def meaning() -> str:
        text = gettext(
            "Calibrated share: of ten people who name one of the seven expressions, about ten times this many would say %(name)s."
        )
        return text % {"name": gettext(expression)}

    # A promise with a name in it: formatted when it is shown, in the reader's language.
    return Column(expression, "number, 0 to 1", _said_later(meaning), lambda photo, read: _of(_done(read), expression))


def _of(read: Prediction | None, name: str) -> Cell:
    value: Cell = getattr(read, name) if read else None
    return value


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment) if moment else None


def _done(read: Prediction | None) -> Prediction | None:
    """Return the prediction that was read. Any other may still hold what was read before it was asked anew."""
    return read if read and read.state == State.DONE else None


def _looked_at(read: Prediction | None) -> Prediction | None:
    return read if read and read.has_looked else None


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
        _("When the camera says it was taken; empty if it does not say or says what cannot be, and once the picture is erased."),
        lambda photo, read: _local(photo.taken_at),
    ),
    Column("uploaded_at", "time", _("When it was added to the visit."), lambda photo, read: _local(photo.uploaded_at)),
    Column("width", "pixels", _("Width of the stored picture, also of one that was erased."), lambda photo, read: photo.width),
    Column("height", "pixels", _("Height of the stored picture, also of one that was erased."), lambda photo, read: photo.height),
    Column(
        "state",
        "word",
        _("queued, running, done, no_face, choose_face, rejected or failed."),
        lambda photo, read: _of(read, "state"),
    ),
    Column(
        "reason",
        "word",
        _("Why the photo was rejected or failed: one of the codes below."),
        lambda photo, read: _of(read, "reason"),
    ),
    Column(
        "used",
        "yes or no",
        _("Whether the photo enters the visit's mean: done, not excluded, not too close to call."),
        lambda photo, read: photo.is_used,
    ),
    Column(
        "excluded", "yes or no", _("Whether a clinician left the photo out."), lambda photo, read: photo.excluded_at is not None
    ),
    Column("excluded_reason", "text", _("The clinician's reason."), lambda photo, read: photo.excluded_reason),
    Column(
        "too_close_to_call",
        "yes or no",
        _("Whether the model abstains: the shares are kept and not counted."),
        lambda photo, read: _of(_done(read), "abstained"),
    ),
    Column(
        "faces_found",
        "number",
        _("How many faces the detector found."),
        lambda photo, read: _faces_found(_looked_at(read)),
    ),
    Column(
        "detector_score",
        "number, 0 to 1",
        _("How sure the detector is of the face that was read."),
        lambda photo, read: _detector_score(_done(read)),
    ),
    *(_share(expression) for expression in EXPRESSIONS),
    Column(
        "valence_index",
        "number, -1 to 1",
        _("happy - (angry + disgust + fear + sad)."),
        lambda photo, read: read.valence if read else None,
    ),
    Column(
        "clinician_labels",
        "words",
        _(
            "What clinicians call the face that was read, oldest label first, by semicolons. It enters no mean. Labels of "
            "colleagues are there once you have given yours."
        ),
        _labels,
    ),
    Column(
        "model_version",
        "text",
        _("The model that read the photo."),
        lambda photo, read: _of(_looked_at(read), "model_version"),
    ),
)
