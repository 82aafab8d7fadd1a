"""What an export is about: patients, or one visit, within two days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from django.db.models import QuerySet

from patients.models import Event, Patient, Visit
from patients.models.formats import clinic_today

PATIENTS_AT_ONCE = 100


@dataclass(frozen=True)
class Scope:
    """The patients of an export, in its order. `visit` narrows it to one; `first` and `last` are the days of visits, included."""

    patients: Iterable[Patient]  # of a whole caseload, they can be read once
    visit: Visit | None = None
    first: date | None = None
    last: date | None = None
    is_caseload: bool = False  # everyone in the care of one clinician

    def holds(self, day: date) -> bool:
        """Whether `day` lies within the two days."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def visits_of(self, *patients: Patient) -> QuerySet[Visit]:
        """Return the visits of some of the patients."""
        visits = Visit.objects.filter(patient__in=patients)
        if self.visit:
            visits = visits.filter(pk=self.visit.pk)
        if self.first:
            visits = visits.filter(date__gte=self.first)
        return visits.filter(date__lte=self.last) if self.last else visits

    @property
    def patient(self) -> Patient:
        """The only patient, where there is one."""
        return next(iter(self.patients))

    def portions(self) -> Iterator[list[Patient]]:
        """Yield the patients, many at once: the tables ask the database about these together."""
        patients = iter(self.patients)
        while some := list(islice(patients, PATIENTS_AT_ONCE)):
            yield some

    def events_of(self, *patients: Patient) -> list[Event]:
        """Return the events that touch these days, oldest first; of a visit, those that its day is part of."""
        first, last = (self.visit.date, self.visit.date) if self.visit else (self.first, self.last)
        events = Event.objects.filter(patient__in=patients).order_by("starts_on", "created_at")
        return [
            event
            for event in events
            if (last is None or event.starts_on <= last)
            and (first is None or event.goes_on or (event.ends_on or event.starts_on) >= first)
        ]

    def file_name(self, table: str, ending: str = "csv") -> str:
        """Return "affectline-visits-2026-11-29-3f2a91c0.csv": what is in it, the day, and the start of the row's random id.

        Neither the name nor the record number: file names turn up in lists of downloads, on backups and in mails, where both would
        tell who is a patient. Files of two patients still have different names.
        """
        one = self.visit or (None if self.is_caseload else self.patient)
        parts = ["affectline", table, clinic_today().isoformat(), str(one.pk)[:8] if one else "caseload"]
        return f"{'-'.join(parts)}.{ending}"
