"""The research CSV: numbers of patients who consent to research, without names, record numbers, ids, free text or dates."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from random import SystemRandom
from uuid import UUID

from django.db.models import Min
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from patients.models import Consent, Patient
from patients.models.patient import PatientQuerySet
from patients.reports.columns import COLUMNS, ColumnDescription
from patients.reports.csv_export import Echo, writer_of
from patients.reports.dialects import PROGRAMS
from patients.reports.photo_rows import photo_rows
from patients.reports.scope import Scope

Subject = tuple[UUID, date | None]
"""A patient's id, and the day of their first visit."""
RESEARCH_COLUMNS = (
    ColumnDescription("person", "number", _("Number of the person in this file, counted from 1.")),
    ColumnDescription("day", "number", _("Days since the person’s first visit (day 0).")),
)
"""The first columns of this file, which no other file has. Those of the photo table with `in_research` follow."""


def research_patients() -> PatientQuerySet:
    """Return the patients who consent to research at this moment."""
    return Patient.objects.filter(pk__in=Consent.objects.active().filter(purpose=Consent.Purpose.RESEARCH).values("patient"))


def research_subjects() -> list[Subject]:
    """Return the id and first day of each patient who consents to research at this moment."""
    return list(research_patients().annotate(first=Min("visits__date")).values_list("pk", "first"))


def research_rows(subjects: Sequence[Subject]) -> Iterator[str]:
    """Yield the header and one row per photo, one person after another in random order. The numbers hold for this file alone."""
    writer = csv.writer(Echo(), lineterminator="\r\n")
    columns = [column for column in COLUMNS if column.in_research]
    yield writer.writerow([column.name for column in (*RESEARCH_COLUMNS, *columns)])
    # Random: in the order of visits, someone who knows the dates of one patient could narrow down those of the others.
    shuffled = SystemRandom().sample(subjects, len(subjects))
    cells = [(column.value, writer_of(column.kind, PROGRAMS)) for column in columns]
    for person, (patient_id, first) in enumerate(shuffled, start=1):
        # The record number is not needed, and an erased patient has no photos.
        for row in photo_rows(Scope([Patient(pk=patient_id)])):
            # A photo that is not read yet was added a moment ago: its row would give away a date.
            if row.is_final:
                day = (row.visit_date - first).days if first else 0
                yield writer.writerow([person, day, *(text(value(row)) for value, text in cells)])


def research_response(subjects: Sequence[Subject]) -> StreamingHttpResponse:
    """Return the download."""
    response = StreamingHttpResponse(research_rows(subjects), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = 'attachment; filename="affectline-research.csv"'
    return response
