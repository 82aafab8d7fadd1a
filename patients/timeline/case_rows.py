"""The rows of “My patients”: what is new, what needs review, and how the last visit compares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from patients.models import Consent, Patient, PatientSummary
from patients.models.formats import clinic_today
from patients.timeline.baseline import Limits, Place
from patients.timeline.plot.sparkline import Sparkline, sparkline, twelve_months
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import PLACES, recent_points

PLACE_OF = {number: place for place, number in PLACES.items()}


@dataclass(frozen=True)
class CaseRow:
    """One patient in the list. `points` are the visits with photos in the last twelve months, and the last one of all."""

    patient: Patient
    summary: PatientSummary
    points: list[VisitPoint]
    is_new: bool  # something was read since the clinician last opened the record
    consented_on: date | None = None  # looked up only for a patient without photos, to offer the next step

    @property
    def last(self) -> VisitPoint | None:
        """The last visit that has photos."""
        return self.points[-1] if self.points else None

    @property
    def bare_since(self) -> date | None:
        """The day of a later visit without photos; None if there is none."""
        on = self.summary.visited_on
        return on if self.last and on and on > self.last.date else None

    @property
    def baseline(self) -> Limits | None:
        """The patient's usual range."""
        low, high = self.summary.range_low, self.summary.range_high
        return None if low is None or high is None else Limits(low, high)

    @property
    def chosen_that_count(self) -> int | None:
        """How many of the visits chosen for the baseline still have photos that count; None when none was chosen."""
        return self.summary.chosen_that_count

    @property
    def spark(self) -> Sparkline:
        """The sparkline of the last twelve months."""
        return sparkline(self.points, self.baseline, clinic_today())

    @property
    def place(self) -> Place | None:
        """Where the last visit lies relative to the baseline; None without a baseline."""
        return None if self.summary.place is None else PLACE_OF[self.summary.place]

    @property
    def to_choose(self) -> int:
        """How many photos need someone to choose a face."""
        return self.summary.to_choose

    @property
    def refused(self) -> int:
        """How many photos could not be read and were not dismissed."""
        return self.summary.refused

    @property
    def on_the_way(self) -> int:
        """How many photos are queued or being read."""
        return self.summary.on_the_way


def case_rows(shown: Mapping[UUID, bool]) -> list[CaseRow]:
    """Return the full rows of the patients that are shown, in their order, by whether they are new.

    Two queries; a third where one of them has no photos.
    """
    patients = Patient.objects.select_related("summary").in_bulk(list(shown))
    summaries = {key: patients[key].summary for key in shown if key in patients}
    last = {each.last_visit for each in summaries.values() if each.last_visit}
    points: dict[UUID, list[VisitPoint]] = defaultdict(list)
    if last:
        points |= recent_points(list(summaries), twelve_months(clinic_today())[0], last)
    bare = [key for key in summaries if not points[key]]
    consents = Consent.objects.active().filter(patient__in=bare, purpose=Consent.Purpose.CARE)
    consented = dict(consents.values_list("patient_id", "given_on")) if bare else {}
    return [CaseRow(patients[key], summary, points[key], shown[key], consented.get(key)) for key, summary in summaries.items()]
