"""Numbers for research: only of patients who agreed to it, and without name, record number, ids, words or dates."""

import csv
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from django.db.models import Min
from django.http import StreamingHttpResponse

from ml.expressions import EXPRESSIONS
from patients.models import Consent, Patient, Photo, Visit
from patients.models.patient import PatientQuerySet
from patients.reports.columns import COLUMNS
from patients.reports.csv_export import Line, photos_for_export, written

NUMBERS = ("state", "used", "too_close_to_call", "faces_found", "detector_score", *EXPRESSIONS, "valence_index", "model_version")
"""The columns of the photo table that are numbers or codes, and lead to nobody."""


def research_patients() -> PatientQuerySet:
    """Return the patients who consent to research at this moment."""
    return Patient.objects.filter(pk__in=Consent.objects.active().filter(purpose=Consent.Purpose.RESEARCH).values("patient"))


def research_rows() -> Iterator[str]:
    """Yield the header and one line per photo. A person's number is made for this one file and kept nowhere."""
    writer = csv.writer(Line(), lineterminator="\r\n")
    columns = [column for column in COLUMNS if column.name in NUMBERS]
    yield writer.writerow(["person", "day", *(column.name for column in columns)])
    visits = Visit.objects.filter(patient__in=research_patients()).order_by()
    first: dict[UUID, date] = dict(visits.values_list("patient_id").annotate(Min("date")))
    numbers: dict[UUID, int] = {}
    for photo in photos_for_export(Photo.objects.filter(visit__patient__in=research_patients())):
        patient_id, read = photo.visit.patient_id, photo.prediction
        person = numbers.setdefault(patient_id, len(numbers) + 1)
        day = (photo.visit.date - first.get(patient_id, photo.visit.date)).days
        yield writer.writerow([person, day, *(written(column.value(photo, read)) for column in columns)])


def research_response() -> StreamingHttpResponse:
    """Return the download."""
    response = StreamingHttpResponse(research_rows(), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = 'attachment; filename="affectline-research.csv"'
    return response
