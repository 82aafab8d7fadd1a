"""Every kind of task by its name. A new kind is a function in its own room, and an entry here."""

from patients.tasks import study_export, study_model
from patients.tasks.fhir import FHIR
from patients.tasks.kind import Kind
from patients.tasks.report import REPORT

KINDS: dict[str, Kind] = {
    "report": REPORT,
    "fhir": FHIR,
    study_export.NAME: study_export.STUDY_EXPORT,
    study_model.NAME: study_model.STUDY_MODEL,
}
