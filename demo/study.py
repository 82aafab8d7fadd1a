"""Loads the demo's study: a researcher, a clinician, and fictitious participants who reuse the demo's portraits.

Every value of a face comes from the reader: a portrait that the worker has read for one of the six patients is stored for a
participant together with that reading. The same picture and the same model give the same numbers.
"""

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from inference.models import NO_EXPLANATION, Prediction
from patients.consent.consent import consent_text
from patients.models import Arm, Consent, Participation, Patient, Photo, SelfReport, Study, StudyMember, User, Visit
from patients.models.self_report import MOST
from patients.photos.files import read_stored

FOLDER = Path(settings.BASE_DIR) / "demo"
PHOTOS_PER_VISIT = 3
DAYS_BETWEEN_VISITS = 28
READ_TIMEOUT_SECONDS = 900.0
BUSY_SECONDS = 1.0
OF_THE_ROW = {"id", "photo", "requested_at", "queued_at", "wanted_box"}
"""The fields of a prediction that say which photo it is of and what was asked for; a copy has its own. It has no explanation."""
Json = dict[str, Any]  # Any: as the file has it


def described() -> Json:
    """Return the study of the file."""
    study: Json = json.loads((FOLDER / "study.json").read_text())
    return study


def make_study(lead: User, clinician: User, *members: User) -> Study:
    """Create the study of `lead` with its participants, who are patients of `clinician`: everything but their photos."""
    facts = described()
    study = Study.objects.create(
        name=facts["name"],
        ethics_reference=facts["ethics_reference"],
        starts_on=_days_ago(180),
        fields=Study.Field.values,
        lead=lead,
    )
    StudyMember.objects.create(study=study, person=lead, may_export=True, may_change=True)
    for person in (clinician, *members):
        StudyMember.objects.create(study=study, person=person)
    arms = {name: Arm.objects.create(study=study, name=name, position=k) for k, name in enumerate(facts["arms"])}
    sources = {each["record_number"]: each for each in json.loads((FOLDER / "cohort.json").read_text())["patients"]}
    for each in facts["participants"]:
        _make_participant(each, sources[each["source"]], arms[each["arm"]], clinician)
    return study


def _make_participant(each: Json, source: Json, arm: Arm, clinician: User) -> None:
    patient = Patient.objects.create(
        name=each["name"], record_number=each["record_number"], birth_date=date.fromisoformat(each["born"]), sex=each["sex"]
    )
    patient.assign(clinician)
    first = _days_ago(each["start"])
    for purpose in (Consent.Purpose.CARE, Consent.Purpose.RESEARCH):
        Consent.give(patient, purpose, clinician, on=first, words=consent_text(purpose))
    number = arm.study.number_of(patient)
    Participation.objects.create(study=arm.study, patient=patient, arm=arm, number=number, joined_on=first, enrolled_by=clinician)
    for k, position in enumerate(each["visits"]):
        told = source["visits"][position - 1]
        visit = Visit.objects.create(patient=patient, date=first + timedelta(days=DAYS_BETWEEN_VISITS * k), created_by=clinician)
        phq9 = min(MOST["phq9"], max(0, told["phq9"] + each["offset"]))
        SelfReport.objects.create(visit=visit, mood=told["mood"], gad7=told["gad7"], phq9=phq9)


def add_photos() -> bool:
    """Store the portraits of the participants' visits with their readings. Return False if the worker has not read them in time.

    Visits that have photos are left alone, so that an interrupted load goes on.
    """
    if not Study.objects.filter(name=described()["name"]).exists():
        return True
    give_up_at = time.monotonic() + READ_TIMEOUT_SECONDS
    while Prediction.objects.unfinished().exists():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(BUSY_SECONDS)
    for visit, source in _pairs():
        with transaction.atomic():
            # Not by the database, which orders ciphertext: which portraits come first would differ with every load.
            for photo in sorted(source.photos.all(), key=lambda each: each.original_name)[:PHOTOS_PER_VISIT]:
                _store_again(photo, visit)
    return True


def _pairs() -> Iterator[tuple[Visit, Visit]]:
    """Yield each visit of a participant that has no photo, with the visit of the six patients whose portraits it reuses."""
    for each in described()["participants"]:
        own = Visit.objects.filter(patient__in=Patient.objects.with_record_number(each["record_number"])).order_by("date")
        theirs = list(Visit.objects.filter(patient__in=Patient.objects.with_record_number(each["source"])).order_by("date"))
        for visit, position in zip(own, each["visits"], strict=False):
            if position <= len(theirs) and not visit.photos.exists():
                yield visit, theirs[position - 1]


def _store_again(photo: Photo, visit: Visit) -> None:
    """Store the picture once more, as a photo of `visit`, with its newest reading."""
    read, picture, preview = photo.prediction, read_stored(photo.image), read_stored(photo.preview)
    if read is None or picture is None or preview is None:
        return
    names = ("width", "height", "original_name", "fingerprint", "sha_fingerprint")
    same = {name: getattr(photo, name) for name in names}
    copy = Photo(visit=visit, uploaded_by=visit.created_by, **same)
    copy.image.save("image", ContentFile(picture), save=False)
    copy.preview.save("preview", ContentFile(preview), save=False)
    copy.save()
    fields = {field.name for field in Prediction._meta.concrete_fields} - OF_THE_ROW - set(NO_EXPLANATION)
    Prediction.objects.create(photo=copy, **{name: getattr(read, name) for name in fields})


def _days_ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)
