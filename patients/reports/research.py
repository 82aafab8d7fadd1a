"""The research CSV: numbers of patients who consent to research, without names, record numbers, ids, free text or dates."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from random import SystemRandom
from typing import NamedTuple
from uuid import UUID

from django.db.models import Min
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from patients.models import Consent, Patient
from patients.models.patient import PatientQuerySet
from patients.reports.columns import COLUMNS, Cell, Column
from patients.reports.csv_export import csv_rows
from patients.reports.photo_rows import PhotoRow, photo_rows
from patients.reports.scope import Scope

Subject = tuple[UUID, date | None]
"""A patient's id, and the day of their first visit."""


class ResearchRow(NamedTuple):
    """One photo of one person."""

    person: int
    day: int
    photo: PhotoRow


def _of_photo(value: Callable[[PhotoRow], Cell]) -> Callable[[ResearchRow], Cell]:
    return lambda row: value(row.photo)


OWN_COLUMNS: tuple[Column[ResearchRow], ...] = (
    Column("person", "number", _("Number of the person in this file, counted from 1."), lambda row: row.person),
    Column("day", "number", _("Days since the person’s first visit (day 0)."), lambda row: row.day),
)
"""The first columns of this file, which no other file has. Those of the photo table with `in_research` follow."""
_COLUMNS = (
    *OWN_COLUMNS,
    *(Column(each.name, each.kind, each.meaning, _of_photo(each.value)) for each in COLUMNS if each.in_research),
)


def research_patients() -> PatientQuerySet:
    """Return the patients who consent to research at this moment."""
    return Patient.objects.filter(pk__in=Consent.objects.active().filter(purpose=Consent.Purpose.RESEARCH).values("patient"))


def research_subjects() -> list[Subject]:
    """Return the id and first day of each patient who consents to research at this moment."""
    return list(research_patients().annotate(first=Min("visits__date")).values_list("pk", "first"))


def research_rows(subjects: Sequence[Subject]) -> Iterator[str]:
    """Yield the header and one line per photo, one person after another in random order. The numbers hold for this file alone."""
    return csv_rows(_COLUMNS, _rows(subjects))


def _rows(subjects: Sequence[Subject]) -> Iterator[ResearchRow]:
    # Random: in the order of visits, someone who knows the dates of one patient could narrow down those of the others.
    shuffled = SystemRandom().sample(subjects, len(subjects))
    # Nothing of these patients is read: the number of the person stands in for their own.
    people = (Patient(pk=patient_id, record_number=str(person)) for person, (patient_id, _first) in enumerate(shuffled))
    for row in photo_rows(Scope(people)):
        # A photo that is not read yet was added a moment ago: its row would give away a date.
        if row.is_final:
            person, first = int(row.record_number), shuffled[int(row.record_number)][1]
            yield ResearchRow(person + 1, (row.visit_date - first).days if first else 0, row)


def research_response(subjects: Sequence[Subject]) -> StreamingHttpResponse:
    """Return the download."""
    response = StreamingHttpResponse(research_rows(subjects), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = 'attachment; filename="affectline-research.csv"'
    return response
