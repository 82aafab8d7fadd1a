"""Groups for tests: many people with visits and readings, in few statements."""

from datetime import date, timedelta
from uuid import uuid4

import numpy as np
from django.utils import timezone

from inference.models import Prediction
from patients.models import Arm, Consent, Participation, Patient, Photo, SelfReport, Study, User, Visit
from tests.factories import make_study, probabilities_of

ARMS = ("treatment", "waiting list")
FIRST = date(2026, 1, 5)


def make_group(lead: User, people: int, visits: int = 4, reports: bool = True, **fields: object) -> Study:
    """Return a study of two arms with `people` in each, and a visit every four weeks with two read photos and a self-report.

    People differ in where they start and in how they change, and change more in the first arm. PHQ-9 falls by one a visit. Photos
    have no files.
    """
    study = make_study(lead, arms=ARMS, **fields)
    for arm in study.arms.all():
        for k in range(people):
            add_person(study, arm, lead, k, visits, reports)
    return study


def add_person(study: Study, arm: Arm, lead: User, k: int, visits: int, reports: bool = True) -> Patient:
    """Add one person to the arm."""
    name = f"{arm.name} {k}"
    patient = Patient.objects.create(name=name, record_number=f"{study.pk} {name}", birth_date=date(1961 + 7 * (k % 6), 3, 1))
    patient.assign(lead)
    Consent.give(patient, Consent.Purpose.RESEARCH, lead, on=FIRST)
    number = study.number_of(patient)
    Participation.objects.create(study=study, patient=patient, arm=arm, number=number, joined_on=FIRST, enrolled_by=lead)
    random = np.random.default_rng(10 * k + arm.position)
    start, gain = random.normal(-0.3, 0.1), random.normal(0.0 if arm.position else 0.06, 0.04)
    for j in range(visits):
        visit = Visit.objects.create(patient=patient, date=FIRST + timedelta(weeks=4 * j), created_by=lead)
        add_reading(visit, lead, float(start + gain * j + random.normal(0, 0.05)))
        if reports:
            SelfReport.objects.create(visit=visit, phq9=15 - j + k % 2, mood=4)
    return patient


def add_reading(visit: Visit, by: User, valence: float, version: str = "1.0.0") -> None:
    """Add two photos that were read with this valence index."""
    shares = probabilities_of(sad=max(0.0, -valence), happy=max(0.0, valence))
    for _ in range(2):
        photo = Photo.objects.create(visit=visit, width=64, height=48, fingerprint=uuid4().hex, uploaded_by=by)
        Prediction.objects.create(
            photo=photo, state=Prediction.State.DONE, model_version=version, finished_at=timezone.now(), **shares
        )
