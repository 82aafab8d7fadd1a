"""The event table: what happened around the visits."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from patients.models import Event
from patients.reports.columns import Column
from patients.reports.scope import Scope


class EventRow(NamedTuple):
    """One event of one patient."""

    record_number: str
    event: Event


EVENT_COLUMNS: tuple[Column[EventRow], ...] = (
    Column("record_number", "text", _("The patient's record number."), lambda row: row.record_number),
    Column("event", "id", _("The event."), lambda row: str(row.event.pk)),
    Column("kind", "word", _("medication, therapy, admission, life_event or note."), lambda row: row.event.kind),
    Column("label", "text", _("What happened, as it was entered."), lambda row: row.event.label),
    Column("starts_on", "date", _("The first day."), lambda row: row.event.starts_on),
    Column("ends_on", "date", _("The last day; empty for a single day, and while it goes on."), lambda row: row.event.ends_on),
    Column("goes_on", "yes or no", _("Whether it was still going on when it was entered."), lambda row: row.event.goes_on),
)


def event_rows(scope: Scope) -> Iterator[EventRow]:
    """Yield the events that touch the days of the scope, by patient and first day. One query for each hundred patients."""
    for patients in scope.portions():
        events: dict[UUID, list[Event]] = defaultdict(list)
        for event in scope.events_of(*patients):
            events[event.patient_id].append(event)
        for patient in patients:
            yield from (EventRow(patient.record_number, event) for event in events[patient.pk])
