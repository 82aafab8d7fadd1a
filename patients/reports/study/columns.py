"""Every table of the package with its columns. Schemas, codebook, sidecars and dictionaries are made from this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, Patient, Study
from patients.models.own_label import LABELS
from patients.models.self_report import MOST

Kind = Literal["string", "integer", "number", "boolean"]
Value = str | int | float | bool | None
Field = Study.Field


@dataclass(frozen=True)
class Column:
    """One column. `needs` is the field of the study without which it is left out. `meaning` is English: so are the files."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    needs: str = ""
    is_required: bool = False


@dataclass(frozen=True)
class Table:
    """One table. Rows of the same `key` do not repeat."""

    name: str
    title: str
    holds: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needs: str = ""

    def seen_by(self, study: Study) -> tuple[Column, ...]:
        """Return the columns that the study may see; none if it may not see the table."""
        if self.needs and not study.shows(self.needs):
            return ()
        return tuple(column for column in self.columns if not column.needs or study.shows(column.needs))


PERSON = Column(
    "participant", "string", "Study number. The same person has the same number in every export of this study.", is_required=True
)
VISIT = Column("visit", "integer", "Number of the visit of this person, counted from 1.", low=1, is_required=True)
PHOTO = Column("photo", "integer", "Number of the photo of this visit, counted from 1.", low=1, is_required=True)
DAY = Column("day", "integer", "Days since the person's first visit in the study (day 0).", "days", low=0, is_required=True)


FER2013 = tuple(f"fer2013_{name}" for name in EXPRESSIONS)
LABEL_VALUES = tuple(name for name, _words in LABELS)


def _valence(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning, low=-1, high=1, needs=Field.EXPRESSIONS)


def _shares(of: str) -> tuple[Column, ...]:
    text = "Calibrated probability of {name}{of}: of ten people who name one of seven expressions, about ten times this number."
    return tuple(
        Column(name, "number", text.format(name=name, of=of), low=0, high=1, needs=Field.EXPRESSIONS) for name in EXPRESSIONS
    )


def _fer2013_probabilities() -> tuple[Column, ...]:
    text = (
        "Probability of {name} from the network’s other head, which learned FER2013’s labels. It is not calibrated and enters "
        "no other number. Empty for photos read before it was kept."
    )
    return tuple(
        Column(column, "number", text.format(name=name), low=0, high=1, needs=Field.EXPRESSIONS)
        for column, name in zip(FER2013, EXPRESSIONS, strict=True)
    )


TABLES: tuple[Table, ...] = (
    Table(
        "participants",
        "Participants",
        "arm, age band, first and last day",
        (
            PERSON,
            Column("arm", "string", "Arm of the study. Empty for everyone where an arm has fewer people than the smallest cell."),
            Column(
                "age_band",
                "string",
                "Age at the first visit, in whole years. Neighbouring bands are joined, and emptied, below the smallest cell.",
                "years",
                needs=Field.AGE_BAND,
            ),
            Column(
                "sex",
                "string",
                "Sex as the clinic recorded it. Empty if not recorded, and for a whole arm and age band with a small cell.",
                values=tuple(Patient.Sex.values),
                needs=Field.SEX,
            ),
            Column("last_day", "integer", "Day of the last visit in the study; the first is day 0.", "days", low=0),
            Column("visits", "integer", "Number of visits in the study.", low=0, is_required=True),
        ),
        ("participant",),
    ),
    Table(
        "visits",
        "Visits",
        "valence with interval, shares, photos used",
        (
            PERSON,
            VISIT,
            DAY,
            Column("photos", "integer", "Photos of this visit.", low=0, needs=Field.EXPRESSIONS),
            Column("photos_used", "integer", "Photos that count in the means.", low=0, needs=Field.EXPRESSIONS),
            _valence("valence", "Mean valence index of the photos used: happy - (angry + disgust + fear + sad)."),
            Column(
                "valence_low",
                "number",
                "Lower end of its 95% bootstrap interval; from 3 photos on.",
                low=-1,
                high=1,
                needs=Field.EXPRESSIONS,
            ),
            Column("valence_high", "number", "Upper end of its 95% bootstrap interval.", low=-1, high=1, needs=Field.EXPRESSIONS),
            *_shares(", mean of the photos used"),
            Column(
                "model_versions",
                "string",
                "Versions of the model that read them.",
                needs=Field.QUALITY,
            ),
        ),
        ("participant", "visit"),
    ),
    Table(
        "photos",
        "Photos",
        "seven shares, quality, model version",
        (
            PERSON,
            VISIT,
            PHOTO,
            Column("used", "boolean", "Whether the photo counts in the means of its visit.", is_required=True),
            Column(
                "state",
                "string",
                "What became of the photo. A photo that still waits is not listed.",
                values=tuple(state.value for state in Prediction.State if state not in Prediction.UNFINISHED),
                needs=Field.QUALITY,
            ),
            Column("reason", "string", "Code of why a photo gave no result.", needs=Field.QUALITY),
            Column("excluded", "boolean", "Whether a clinician excluded the photo. Their reason is not here.", needs=Field.QUALITY),
            Column(
                "too_close_to_call",
                "boolean",
                "Whether no probability was high enough to count.",
                needs=Field.QUALITY,
            ),
            *_shares(""),
            _valence("valence", "Valence index: happy - (angry + disgust + fear + sad)."),
            *_fer2013_probabilities(),
            Column("model_version", "string", "Version of the model that read the photo.", needs=Field.QUALITY),
        ),
        ("participant", "visit", "photo"),
        needs=Field.EXPRESSIONS,
    ),
    Table(
        "self_reports",
        "Self-reports",
        "PHQ-9 and GAD-7 totals, mood",
        (
            PERSON,
            VISIT,
            DAY,
            Column("phq9", "integer", "PHQ-9 total.", "points", low=0, high=MOST["phq9"]),
            Column("gad7", "integer", "GAD-7 total.", "points", low=0, high=MOST["gad7"]),
            Column("mood", "integer", "Mood as the person rated it, 0 (low) to 10 (high).", "points", low=0, high=MOST["mood"]),
        ),
        ("participant", "visit"),
        needs=Field.SELF_REPORTS,
    ),
    Table(
        "events",
        "Events",
        "kind and days; no free text",
        (
            PERSON,
            Column("event", "integer", "Number of the event of this person, counted from 1.", low=1, is_required=True),
            Column("kind", "string", "Kind of event.", values=tuple(Event.Kind.values), is_required=True),
            Column("start_day", "integer", "First day; empty if before the first visit in the study.", "days", low=0),
            Column("end_day", "integer", "Last day; empty if after the last visit in the study.", "days", low=0),
        ),
        ("participant", "event"),
        needs=Field.EVENTS,
    ),
    Table(
        "labels",
        "Clinicians’ labels",
        "what clinicians chose; no remarks",
        (
            PERSON,
            VISIT,
            PHOTO,
            Column("rater", "string", "Clinician who gave the label, as a number that holds in this study.", is_required=True),
            Column(
                "label",
                "string",
                "Expression that the clinician chose.",
                values=tuple(name for name, _ in LABELS),
                is_required=True,
            ),
        ),
        ("participant", "visit", "photo", "rater"),
        needs=Field.LABELS,
    ),
)
