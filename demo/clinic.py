"""Loads the demo: six fictitious patients of demo/cohort.json, with their rendered photos."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from inference.models import Prediction
from patients.consent.consent import consent_text, withdraw_consent
from patients.models import Consent, Event, Patient, SelfReport, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo

FOLDER = Path(settings.BASE_DIR) / "demo"
BUSY_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 900.0

Json = dict[str, Any]  # Any: as the file has it


def cohort() -> list[Json]:
    """Return the patients of the file, each with the newest settings.DEMO_VISITS visits (0: all)."""
    patients: list[Json] = json.loads((FOLDER / "cohort.json").read_text())["patients"]
    return [patient | {"visits": patient["visits"][-settings.DEMO_VISITS :]} for patient in patients]


def _days_ago(days: int | None) -> date | None:
    """Return the date that many days ago; None for None."""
    return None if days is None else timezone.localdate() - timedelta(days=days)


def _date(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


@dataclass(frozen=True)
class PendingDemo:
    """What is left to load: the photos of each visit, newest visits first, and the consents to withdraw at the end.

    Kept in a file until all is done, so that an interrupted load continues at the next start.
    """

    photos: tuple[tuple[str, str], ...]  # visit, file
    withdrawals: tuple[UUID, ...]  # patients

    @staticmethod
    def path() -> Path:
        """Return the path of the file."""
        return Path(settings.VAR) / "demo_pending.json"

    def save(self) -> None:
        """Write the file."""
        self.path().write_text(json.dumps({"photos": self.photos, "withdrawals": [str(patient) for patient in self.withdrawals]}))

    @classmethod
    def load(cls) -> "PendingDemo | None":
        """Return what the file holds; None if everything is done."""
        if not cls.path().exists():
            return None
        content = json.loads(cls.path().read_text())
        return cls(
            tuple((visit, file) for visit, file in content["photos"]), tuple(UUID(patient) for patient in content["withdrawals"])
        )


def make_patients(user: User) -> PendingDemo:
    """Create the patients of `user` with everything but their photos. Return what is left to load."""
    photos: list[tuple[int, str, str]] = []
    withdrawals: list[UUID] = []
    for described in cohort():
        patient = make_patient(described, user)
        for each in described["visits"]:
            visit = make_visit(patient, each, user)
            photos += [(each["days_ago"], str(visit.id), photo["file"]) for photo in each["photos"]]
        if described["withdraws_care"]:
            withdrawals.append(patient.id)
    newest_first = sorted(photos, key=lambda photo: photo[0])
    return PendingDemo(tuple((visit, file) for _, visit, file in newest_first), tuple(withdrawals))


def make_patient(described: Json, user: User) -> Patient:
    """Return a new patient of `user` with consents and events."""
    patient = Patient.objects.create(
        name=described["name"], record_number=described["record_number"], birth_date=date.fromisoformat(described["born"])
    )
    patient.assign(user)
    for purpose in described["consents"]:
        Consent.give(patient, purpose, user, on=_date(described["visits"][0]["days_ago"]), words=consent_text(purpose))
    for event in described["events"]:
        Event.objects.create(
            patient=patient,
            kind=event["kind"],
            label=event["label"],
            starts_on=_date(event["starts"]),
            ends_on=_days_ago(event["ends"]),
            goes_on=event["goes_on"],
            created_by=user,
        )
    return patient


def make_visit(patient: Patient, described: Json, user: User) -> Visit:
    """Return a new visit with its note and self-report."""
    visit = Visit.objects.create(
        patient=patient, date=_date(described["days_ago"]), note=described["note"], is_baseline=described["usual"], created_by=user
    )
    scales = {name: described[name] for name in ("mood", "phq9", "gad7")}
    if any(value is not None for value in scales.values()):
        SelfReport.objects.create(visit=visit, **scales)
    return visit


def take_in_photos(pending: PendingDemo, user: User) -> Iterator[str]:
    """Upload the photos as a clinician would; yield the file of each. Photos that are there already are skipped."""
    for visit_id, file in pending.photos:
        visit = Visit.objects.filter(pk=visit_id).select_related("patient").first()
        if visit is not None and _take_in(visit, file, user):
            yield file


def _take_in(visit: Visit, file: str, user: User) -> bool:
    """Upload one photo. Return whether it was new."""
    picture = (FOLDER / "portraits" / file).read_bytes()
    while True:
        try:
            receive_photo(visit, SimpleUploadedFile(file, picture, "image/jpeg"), user)
        except RejectedPhoto as rejected:
            if rejected.code != "busy":  # there already, or its patient was erased in the meantime
                return False
            time.sleep(BUSY_SECONDS)
        else:
            return True


def withdraw(pending: PendingDemo, user: User) -> bool:
    """Withdraw the consents once the worker has read the photos. Return False if it has not within READ_TIMEOUT_SECONDS."""
    give_up_at = time.monotonic() + READ_TIMEOUT_SECONDS
    unread = Prediction.objects.filter(
        photo__visit__patient__in=pending.withdrawals, state__in=(Prediction.State.QUEUED, Prediction.State.RUNNING)
    )
    while unread.exists():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(BUSY_SECONDS)
    for consent in Consent.objects.active().filter(patient__in=pending.withdrawals, purpose=Consent.Purpose.CARE):
        withdraw_consent(consent, user, user)
    return True
