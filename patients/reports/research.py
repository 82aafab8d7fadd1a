"""Numbers for research: only of patients who agreed to it, and without name, record number, ids, words or dates."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from random import SystemRandom
from uuid import UUID

from django.db.models import Min
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from ml.serve.expressions import EXPRESSIONS
from patients.models import Consent, Patient, Photo
from patients.models.patient import PatientQuerySet
from patients.reports.columns import COLUMNS, Described
from patients.reports.csv_export import Line, photos_for_export, written

Person = tuple[UUID, date | None]
"""A patient's id, and the day of their first visit."""
NUMBERS = ("state", "used", "too_close_to_call", "faces_found", "detector_score", *EXPRESSIONS, "valence_index", "model_version")
"""The columns of the photo table that are numbers or codes, and lead to nobody."""
OF_THE_FILE = (
    Described("person", "number", _("Whose photo it is, counted from 1. The number is of this one file alone.")),
    Described("day", "number", _("Days since the person’s first visit, which is day 0.")),
)
"""The columns before those, which no other file has."""


def research_patients() -> PatientQuerySet:
    """Return the patients who consent to research at this moment."""
    return Patient.objects.filter(pk__in=Consent.objects.active().filter(purpose=Consent.Purpose.RESEARCH).values("patient"))


def research_people() -> list[Person]:
    """Return those who consent to research at this moment."""
    return list(research_patients().annotate(first=Min("visits__date")).values_list("pk", "first"))


def research_rows(people: Sequence[Person]) -> Iterator[str]:
    """Yield the header and one line per photo, person by person in random order. A person's number is of this one file alone."""
    writer = csv.writer(Line(), lineterminator="\r\n")
    columns = [column for column in COLUMNS if column.name in NUMBERS]
    yield writer.writerow([column.name for column in (*OF_THE_FILE, *columns)])
    # Not in the order of their visits: whoever knows the days of one patient would bound those of the others.
    in_no_order = SystemRandom().sample(people, len(people))
    for person, (patient_id, first) in enumerate(in_no_order, start=1):
        for photo in photos_for_export(Photo.objects.filter(visit__patient=patient_id)):
            if photo.prediction is None or not photo.prediction.is_final:  # it came a moment ago: that is a date
                continue
            day = (photo.visit.date - first).days if first else 0
            yield writer.writerow([person, day, *(written(column.value(photo, photo.prediction)) for column in columns)])


def research_response(people: Sequence[Person]) -> StreamingHttpResponse:
    """Return the download."""
    response = StreamingHttpResponse(research_rows(people), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = 'attachment; filename="affectline-research.csv"'
    return response
