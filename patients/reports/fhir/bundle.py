"""A bundle of FHIR R4: a patient with one visit, or with all."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.http import StreamingHttpResponse
from django.utils import timezone

from patients.models import Patient, User
from patients.reports.csv_export import joined
from patients.reports.fhir.codes import Resource, code_system
from patients.reports.fhir.devices import device, export_provenance, readings_provenance
from patients.reports.fhir.observations import photo_observation, self_report_observations, visit_observation
from patients.reports.fhir.record import consent_resource, encounter, instant, patient_resource
from patients.reports.photo_rows import PhotoRow, photo_rows
from patients.reports.scope import Scope
from patients.reports.visits_table import VisitRow, visit_rows

CONTENT_TYPE = "application/fhir+json; charset=utf-8"
Progress = Callable[[int, int], None]


def resources(scope: Scope, asked_by: User, progress: Progress = lambda done, total: None) -> Iterator[Resource]:
    """Yield what a bundle of the only patient of `scope` has. Seven queries, whatever the number of visits."""
    patient, recorded = scope.patient, instant(timezone.now())
    yield code_system()
    yield patient_resource(patient)
    for consent in patient.consents.order_by("recorded_at", "pk"):
        yield consent_resource(consent)
    photos: dict[str, list[PhotoRow]] = defaultdict(list)
    for row in photo_rows(scope):
        photos[row.visit].append(row)
    versions: set[str] = set()
    visits = list(visit_rows(scope))
    for done, visit in enumerate(visits):
        progress(done, len(visits))
        of_visit = photos[str(visit.visit)]
        versions |= _read_by(of_visit)
        yield from _of_visit(visit, of_visit, patient, recorded)
    yield from map(device, sorted(versions))
    contents = [str(patient.pk), *(str(visit.visit) for visit in visits)]
    yield export_provenance(str(uuid4()), contents, asked_by, recorded)
    progress(len(visits), len(visits))


def bundle_lines(found: Iterator[Resource]) -> Iterator[str]:
    """Yield the JSON of a bundle, one resource in a line."""
    head = {"resourceType": "Bundle", "id": str(uuid4()), "type": "collection", "timestamp": instant(timezone.now())}
    yield f'{_json(head)[:-1]}, "entry": ['
    before = "\n"
    for resource in found:
        yield before + _json({"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource})
        before = ",\n"
    yield "\n]}\n"


def bundle_response(scope: Scope, asked_by: User) -> StreamingHttpResponse:
    """Return the streamed download of a bundle."""
    parts = joined(bundle_lines(resources(scope, asked_by)))
    response = StreamingHttpResponse(parts, content_type=CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{scope.file_name("fhir", "json")}"'
    return response


def _of_visit(visit: VisitRow, photos: list[PhotoRow], patient: Patient, recorded: str) -> Iterator[Resource]:
    """Yield a visit with all that was observed at it."""
    yield encounter(visit, patient)
    yield from self_report_observations(visit, patient)
    if not photos:
        return
    readings = [visit_observation(visit, photos, patient), *(photo_observation(row, patient) for row in photos)]
    yield from readings
    if versions := _read_by(photos):
        key = str(uuid5(UUID(str(visit.visit)), "readings"))
        yield readings_provenance(key, (each["id"] for each in readings), sorted(versions), recorded)


def _read_by(photos: list[PhotoRow]) -> set[str]:
    return {row.model_version for row in photos if row.is_processed and row.model_version}


def _json(facts: dict[str, Any]) -> str:  # Any: JSON
    return json.dumps(facts, ensure_ascii=False)
