"""What a report is to hold: chosen on the page, kept with the task as codes and ids."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta

from patients.models.formats import clinic_today

PERIODS = {"all": None, "year": 365, "half": 183}
PAPERS = ("a4", "letter")
READERS = ("record", "patient")


@dataclass(frozen=True)
class ReportOptions:
    """The choices. `number` is a study number that stands instead of name, birth date, record number and dates."""

    visit: str = ""  # the id of one visit; else the record
    paper: str = "a4"
    reader: str = "record"
    period: str = "all"
    number: str = ""
    all_visits: bool = False  # a second page

    def since(self) -> date | None:
        """Return the first day of the period; None for all days."""
        days = PERIODS.get(self.period)
        return clinic_today() - timedelta(days=days) if days else None

    def as_json(self) -> dict[str, object]:
        """Return the choices for the task."""
        return asdict(self)
