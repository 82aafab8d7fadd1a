"""A patient with many visits whose photos are all read, written straight into the database: for the browser and for timings."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import sin

import numpy as np
from django.core.files.base import ContentFile

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, Patient, Photo, SelfReport, User, Visit
from tests.factories import picture

FIRST = date(2025, 3, 4)
MOST_FILES = 1000
"""A record with more photos has no pictures: each would be a file of its own."""
KIND = Event.Kind


def write_record(clinician: User, number: str, visits: int, photos: int, days_apart: int = 28) -> Patient:
    """Return a new patient of `clinician` with `visits` visits of `photos` read photos each. The same numbers every time."""
    return write_days(clinician, number, [FIRST + timedelta(days=days_apart * k) for k in range(visits)], [photos] * visits)


def write_days(clinician: User, number: str, days: Sequence[date], photos: Sequence[int]) -> Patient:
    """Return a new patient of `clinician` with a visit on each of these days, with as many read photos."""
    patient = Patient.objects.create(name="Jonas Record", record_number=number, birth_date=date(1991, 2, 14))
    patient.assign(clinician)
    kept = Visit.objects.bulk_create([Visit(patient=patient, date=day, created_by=clinician) for day in days])
    rng = np.random.default_rng(5)
    for k, visit in enumerate(kept):
        weights = [0.6, 0.3, 0.4, 2.4 + 1.4 * sin(k / 6), 1.8, 0.5, 3.5]
        shares = rng.dirichlet(weights, size=photos[k]).tolist()
        _write_photos(visit, clinician, shares, "1.2.0" if k < len(days) // 2 else "1.3.0", has_files=sum(photos) <= MOST_FILES)
    SelfReport.objects.bulk_create([SelfReport(visit=visit, mood=k % 11) for k, visit in enumerate(kept)])
    return patient


def write_events(patient: Patient, clinician: User) -> None:
    """Give the patient one event of each kind."""
    kinds = [
        (KIND.MEDICATION, "Sertraline 50 mg", 21, 300),
        (KIND.THERAPY, "CBT, weekly", 200, None),
        (KIND.LIFE_EVENT, "New job", 150, None),
        (KIND.NOTE, "<b>Dental surgery</b>", 60, None),
    ]
    for kind, label, start, end in kinds:
        Event.objects.create(
            patient=patient,
            kind=kind,
            label=label,
            starts_on=FIRST + timedelta(days=start),
            ends_on=FIRST + timedelta(days=end) if end else None,
            goes_on=kind == KIND.THERAPY,
            created_by=clinician,
        )


def _write_photos(visit: Visit, clinician: User, shares: list[list[float]], model: str, has_files: bool) -> None:
    fields = {"visit": visit, "width": 64, "height": 48, "uploaded_by": clinician}
    photos = [Photo(fingerprint=str(k), image="none", preview="none", **fields) for k in range(len(shares))]
    for photo in photos if has_files else ():
        for file in (photo.image, photo.preview):
            file.save("picture", ContentFile(picture()), save=False)
    Photo.objects.bulk_create(photos)
    read = {"state": Prediction.State.DONE, "model_version": model, "input_png": picture(48, 48, "grey", "PNG", mode="L")}
    Prediction.objects.bulk_create(
        Prediction(photo=photo, **read, **dict(zip(EXPRESSIONS, row, strict=True)))
        for photo, row in zip(photos, shares, strict=True)
    )
