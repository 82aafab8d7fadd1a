"""The demo: six patients who do not exist, out of patients/demo/cohort.json, with the photos that were rendered for them."""

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
from patients.consent.consent import withdraw_consent, words_now
from patients.models import Consent, Event, Patient, SelfReport, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo

FOLDER = Path(settings.BASE_DIR) / "patients" / "demo"
BUSY_SECONDS = 1.0
PATIENCE_SECONDS = 900.0  # for the worker, before a consent is withdrawn

Json = dict[str, Any]  # Any: as the file has it


def cohort() -> list[Json]:
    """Return the patients as the file describes them, each with its newest settings.DEMO_VISITS visits (0: all)."""
    patients: list[Json] = json.loads((FOLDER / "cohort.json").read_text())["patients"]
    return [patient | {"visits": patient["visits"][-settings.DEMO_VISITS :]} for patient in patients]


def _before(days: int | None) -> date | None:
    """Return the day that lies so many days back; None for None."""
    return None if days is None else timezone.localdate() - timedelta(days=days)


def _on(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)


@dataclass(frozen=True)
class Waiting:
    """What is still to be done: the photos of each visit, newest visits first, and whose consent is taken back at the end.

    Kept in a file until it is all done, so that a demo whose loading was cut short goes on at the next start.
    """

    photos: tuple[tuple[str, str], ...]  # visit, file
    withdrawals: tuple[UUID, ...]  # patients

    @staticmethod
    def place() -> Path:
        """Return where the file lies."""
        return Path(settings.VAR) / "demo_waiting.json"

    def keep(self) -> None:
        """Write the file."""
        self.place().write_text(json.dumps({"photos": self.photos, "withdrawals": [str(patient) for patient in self.withdrawals]}))

    @classmethod
    def kept(cls) -> "Waiting | None":
        """Return what the file says, None when everything is done."""
        if not cls.place().exists():
            return None
        content = json.loads(cls.place().read_text())
        return cls(
            tuple((visit, file) for visit, file in content["photos"]), tuple(UUID(patient) for patient in content["withdrawals"])
        )


def make_patients(user: User) -> Waiting:
    """Make the patients of `user` with all that is no photo. Return the photos that are to follow."""
    photos: list[tuple[int, str, str]] = []
    withdrawals: list[UUID] = []
    for described in cohort():
        patient = make_patient(described, user)
        for told in described["visits"]:
            visit = make_visit(patient, told, user)
            photos += [(told["days_ago"], str(visit.id), photo["file"]) for photo in told["photos"]]
        if described["withdraws_care"]:
            withdrawals.append(patient.id)
    newest_first = sorted(photos, key=lambda photo: photo[0])
    return Waiting(tuple((visit, file) for _, visit, file in newest_first), tuple(withdrawals))


def make_patient(described: Json, user: User) -> Patient:
    """Return a new patient of `user` with consents and events."""
    patient = Patient.objects.create(
        name=described["name"], record_number=described["record_number"], birth_date=date.fromisoformat(described["born"])
    )
    patient.assign(user)
    for purpose in described["consents"]:
        Consent.give(patient, purpose, user, on=_on(described["visits"][0]["days_ago"]), words=words_now(purpose))
    for event in described["events"]:
        Event.objects.create(
            patient=patient,
            kind=event["kind"],
            label=event["label"],
            starts_on=_on(event["starts"]),
            ends_on=_before(event["ends"]),
            goes_on=event["goes_on"],
            created_by=user,
        )
    return patient


def make_visit(patient: Patient, told: Json, user: User) -> Visit:
    """Return a new visit with its note and what the patient said."""
    visit = Visit.objects.create(
        patient=patient, date=_on(told["days_ago"]), note=told["note"], is_baseline=told["usual"], created_by=user
    )
    scales = {name: told[name] for name in ("mood", "phq9", "gad7")}
    if any(value is not None for value in scales.values()):
        SelfReport.objects.create(visit=visit, **scales)
    return visit


def bring_photos(waiting: Waiting, user: User) -> Iterator[str]:
    """Take the photos in, each the way a clinician's photo goes; yield the file of each. What is there already is passed over."""
    for visit_id, file in waiting.photos:
        visit = Visit.objects.filter(pk=visit_id).select_related("patient").first()
        if visit is not None and _bring(visit, file, user):
            yield file


def _bring(visit: Visit, file: str, user: User) -> bool:
    """Take one photo in. Return whether it was new."""
    picture = (FOLDER / "portraits" / file).read_bytes()
    while True:
        try:
            receive_photo(visit, SimpleUploadedFile(file, picture, "image/jpeg"), user)
        except RejectedPhoto as rejected:
            if rejected.code != "busy":  # there already, or its patient is erased meanwhile
                return False
            time.sleep(BUSY_SECONDS)
        else:
            return True


def withdraw(waiting: Waiting, user: User) -> bool:
    """Take the consents back that are to be withdrawn, once the worker has read the photos. Return False when it has not."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    unread = Prediction.objects.filter(
        photo__visit__patient__in=waiting.withdrawals, state__in=(Prediction.State.QUEUED, Prediction.State.RUNNING)
    )
    while unread.exists():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(BUSY_SECONDS)
    for consent in Consent.objects.active().filter(patient__in=waiting.withdrawals, purpose=Consent.Purpose.CARE):
        withdraw_consent(consent, user, user)
    return True
