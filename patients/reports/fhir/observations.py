"""What was observed at a visit: expressions in its photos, their means, and the patient's own report."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid5

from inference.models import Prediction
from ml.cells import EXPORTED_PLACES
from patients.models import Patient, SelfReport
from patients.models.formats import rounded
from patients.reports.columns import Column
from patients.reports.fhir.codes import (
    AI_ASSERTED,
    HL7,
    LOINC,
    MOOD,
    OF_PHOTO,
    OF_VISIT,
    PHOTO,
    VISIT,
    Resource,
    absent,
    coded,
    is_ours,
    ours,
    quantity,
    unit_of,
)
from patients.reports.fhir.devices import device_id
from patients.reports.fhir.record import instant, reference, text
from patients.reports.photo_rows import PhotoRow
from patients.reports.visits_table import VisitRow

State = Prediction.State
Row = TypeVar("Row")
SURVEY = [coded(f"{HL7}observation-category", "survey", "Survey")]
SCALES = {
    "phq9": coded(LOINC, "44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]"),
    "gad7": coded(LOINC, "70274-6", "Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]"),
    MOOD: None,
}
WHY_ABSENT: dict[str | None, str] = {
    None: "temp-unknown",
    State.QUEUED: "temp-unknown",
    State.RUNNING: "temp-unknown",
    State.CHOOSE_FACE: "temp-unknown",
    State.NO_FACE: "not-performed",
    State.REJECTED: "not-performed",
    State.FAILED: "error",
}
"""Why a photo has no reading, by its state, in the codes of FHIR."""


def expressions_id(visit: UUID) -> str:
    """Return the id of the observation of a visit."""
    return str(uuid5(visit, VISIT))


def visit_observation(row: VisitRow, photos: Iterable[PhotoRow], patient: Patient) -> Resource:
    """Return the means of a visit with their intervals. Their place is in components, under the names of the visit table."""
    point = row.point
    resource = _of_visit(row, patient, expressions_id(row.visit), ours(VISIT))
    resource |= {"meta": {"security": [AI_ASSERTED]}, "status": "preliminary" if point.unfinished or point.to_choose else "final"}
    if len(point.model_versions) == 1:  # an observation has one device; of several, those of the photos say which
        resource["device"] = reference(device_id(point.model_versions[0]))
    if not point.used:
        resource["dataAbsentReason"] = absent("temp-unknown" if point.unfinished else "not-performed")
    resource["hasMember"] = [reference(photo.photo) for photo in photos]
    return resource | {"component": _components(OF_VISIT, row)}


def photo_observation(row: PhotoRow, patient: Patient) -> Resource:
    """Return how the newest model reads a photo, or why it does not."""
    resource: Resource = {
        "resourceType": "Observation",
        "id": row.photo,
        "meta": {"security": [AI_ASSERTED]},
        "status": "final" if row.is_final else "registered",
        "code": ours(PHOTO),
        "subject": reference(patient.pk),
        "encounter": reference(row.visit),
        "effectiveDateTime": _time(row.taken_at) if row.taken_at else row.visit_date.isoformat(),
    }
    if row.is_processed and row.model_version:
        resource["device"] = reference(device_id(row.model_version))
    if row.state != State.DONE:
        closer = row.reason if row.reason and is_ours(row.reason) else row.state or State.QUEUED
        resource["dataAbsentReason"] = absent("not-permitted" if row.reason == "no_consent" else WHY_ABSENT[row.state], closer)
    if row.excluded_reason and (why := text(row.excluded_reason)):
        resource["note"] = [{"text": why}]
    return resource | {"component": _components(OF_PHOTO, row)}


def self_report_observations(row: VisitRow, patient: Patient) -> list[Resource]:
    """Return one observation for each scale that the patient filled in. Only totals are recorded, so there are no answers."""
    report = row.report
    return [] if report is None else [each for scale in SCALES if (each := _total(row, report, scale, patient))]


def _total(row: VisitRow, report: SelfReport, scale: str, patient: Patient) -> Resource | None:
    total = getattr(report, scale)
    if total is None:
        return None
    resource = _of_visit(row, patient, str(uuid5(row.visit, scale)), SCALES[scale] or ours(scale))
    return resource | {
        "status": "final",
        "category": SURVEY,
        "issued": instant(report.saved_at),
        "performer": [reference(patient.pk)],
        "valueQuantity": quantity(total, "score", "{score}"),
    }


def _of_visit(row: VisitRow, patient: Patient, key: str, code: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "id": key,
        "code": code,
        "subject": reference(patient.pk),
        "encounter": reference(row.visit),
        "effectiveDateTime": row.date.isoformat(),
    }


def _components(columns: Iterable[Column[Row]], row: Row) -> list[Resource]:
    """Return one component for each column that has a value."""
    found = []
    for column in columns:
        value = column.value(row)
        if isinstance(value, bool):
            found.append({"code": ours(column.name), "valueBoolean": value})
        elif isinstance(value, int | float):
            number = value if isinstance(value, int) else rounded(value, EXPORTED_PLACES)
            found.append({"code": ours(column.name), "valueQuantity": quantity(number, *unit_of(column))})
    return found


def _time(utc: str) -> str:
    """Return a time that the database has written in UTC."""
    return instant(datetime.fromisoformat(utc[:19]).replace(tzinfo=UTC))
