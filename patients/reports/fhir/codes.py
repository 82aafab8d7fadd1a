"""The code systems of the bundles: those of others by address, and our own with every code that it has."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.utils import translation

from inference.models import Prediction
from patients.readings.wording import REFUSALS, reason_meanings
from patients.reports.columns import COLUMNS, ColumnDescription
from patients.reports.visits_table import VISIT_COLUMNS

Resource = dict[str, Any]  # Any: JSON
State = Prediction.State

OUR_ID = "f0b0e8ed-cba8-44e2-94c0-ba9a741aacff"
OURS = f"urn:uuid:{OUR_ID}"
"""Our code system. It has no address on the web: its codes travel in each bundle."""
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem/"
ABSENT = f"{HL7}data-absent-reason"
AI_ASSERTED = {"system": f"{HL7}v3-ObservationValue", "code": "AIAST", "display": "Artificial Intelligence asserted"}
"""The security label of what a model says."""

VISIT, PHOTO, MOOD = "facial_expressions", "facial_expressions_of_photo", "mood"
WEIGHTS, ROUNDED_WEIGHTS, VERSION = "keras_sha256", "onnx_sha256", "model_version"
_MORE = {
    VISIT: ("Facial expressions at a visit", "Means over the photos of a visit that count, with intervals. Not a diagnosis."),
    PHOTO: ("Facial expressions in a photo", "How a model reads the face in one photo. Not a diagnosis."),
    WEIGHTS: ("SHA-256 of the weights", "Hash of the weights of the model."),
    ROUNDED_WEIGHTS: ("SHA-256 of the rounded weights", "Hash of the rounded weights of the model, which serve."),
    State.QUEUED: ("Queued", "The photo waits to be read."),
    State.RUNNING: ("Being read", "The photo is being read."),
    State.CHOOSE_FACE: ("Face to choose", "The photo has several faces, and no one has chosen the patient’s."),
    State.NO_FACE: ("No face", "No face was found in the photo."),
}
UNITS = {
    "number, 0 to 1": ("share", "1"),
    "number, -1 to 1": ("index", "1"),
    "photos": ("photos", "{photo}"),
    "usual_visits": ("visits", "{visit}"),
    "faces_found": ("faces", "{face}"),
}
"""What a number counts, in words and in UCUM, by the kind or the name of its column."""
OF_VISIT = [
    column
    for column in VISIT_COLUMNS
    if column.kind in ("number", "number, 0 to 1", "number, -1 to 1", "yes or no") and column.name not in ("mood", "phq9", "gad7")
]
"""The columns of the visit table that are components of its observation."""
OF_PHOTO = [column for column in COLUMNS if column.kind in ("number", "number, 0 to 1", "number, -1 to 1", "yes or no")]
"""The columns of the photo table that are components of its observation."""


def coded(system: str, code: str, display: str = "") -> Resource:
    """Return a concept with one code."""
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def ours(code: str) -> Resource:
    """Return a concept of our own code system."""
    return coded(OURS, code, _concepts()[code][0])


def is_ours(code: str) -> bool:
    """Whether our code system has this code."""
    return code in _concepts()


def absent(why: str, closer: str = "") -> Resource:
    """Return why there is no value: a code of FHIR's list, and one of ours that says it more closely."""
    return {"coding": [*coded(ABSENT, why)["coding"], *(ours(closer)["coding"] if closer else [])]}


def quantity(value: float, unit: str, code: str) -> Resource:
    """Return a number with its unit in words and in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def unit_of(column: ColumnDescription) -> tuple[str, str]:
    """Return the unit of a column of numbers, in words and in UCUM."""
    return UNITS.get(column.name) or UNITS.get(column.kind) or UNITS["photos"]


def code_system() -> Resource:
    """Return our code system: the columns of our CSV tables under the same names, and what they do not have."""
    concepts = [{"code": code, "display": name, "definition": meaning} for code, (name, meaning) in _concepts().items()]
    return {
        "resourceType": "CodeSystem",
        "id": OUR_ID,
        "language": "en",
        "url": OURS,
        "name": "AffectlineCodes",
        "title": "Codes of Affectline",
        "status": "active",
        "publisher": "Affectline",
        "description": "What Affectline measures: which expressions faces in photos resemble. Not a diagnosis.",
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }


@cache
def _concepts() -> dict[str, tuple[str, str]]:
    """Return display and definition of each of our codes, always in English: codes mean the same in every language."""
    with translation.override("en"):
        return dict(_each_concept())


def _each_concept() -> Iterator[tuple[str, tuple[str, str]]]:
    yield from ((str(code), words) for code, words in _MORE.items())
    also = [column for column in VISIT_COLUMNS if column.name in (MOOD, VERSION)]
    described: list[ColumnDescription] = [*OF_VISIT, *also, *OF_PHOTO]  # of a name in both tables, what it says of a photo
    for column in described:
        yield column.name, (column.name.replace("_", " "), str(column.meaning))
    for code, title in reason_meanings().items():
        advice = str(REFUSALS[code].advice) if code in ("no_consent", "photo_erased") else f"Why a photo was not read: {title}."
        yield code, (str(title), advice)
    yield State.FAILED.value, ("Failed", "The photo could not be analysed.")
