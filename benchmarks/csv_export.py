"""How fast the photo table is written, and how much memory that takes; prints JSON.

    python -m benchmarks.csv_export [PHOTOS]

The rate counts processor time, least of three runs, so that other work on the computer hardly affects it.
"""

import json
import os
import sys
import time
import tracemalloc
from datetime import date, datetime, timedelta

import django
from django.utils import timezone

import tests.environment  # a private folder and keys; must come before the settings are read

RUNS = 3
PHOTOS_A_VISIT = 20
FACE = {"box": {"left": 8, "top": 6, "width": 24, "height": 30}, "detector_score": 0.9371, "roll_degrees": 1.25}


def prepare() -> None:
    """Set Django up and create an empty database."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
    os.environ["LOG_LEVEL"] = "WARNING"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def write_photos(count: int) -> None:
    """Create one patient with `count` photos that were read."""
    from inference.models import Prediction
    from patients.models import Patient, Photo, User, Visit

    ada = User.objects.create_user("ada@clinic.example", display_name="Ada Okafor")
    patient = Patient.objects.create(name="Ines Moreau", record_number="R-1001", birth_date=date(1991, 2, 14))
    patient.assign(ada)
    days = -(-count // PHOTOS_A_VISIT)
    visits = [Visit(patient=patient, date=date(1990, 1, 1) + timedelta(days=day), created_by=ada) for day in range(days)]
    Visit.objects.bulk_create(visits, batch_size=500)
    taken = datetime(2026, 3, 2, 9, 46, tzinfo=timezone.get_default_timezone())
    facts = {"width": 1200, "height": 1600, "uploaded_by": ada, "image": "aa/aa"}
    photos = []
    for n in range(count):
        # Twenty within three minutes, every day.
        at = taken + timedelta(days=n // PHOTOS_A_VISIT, seconds=9 * (n % PHOTOS_A_VISIT))
        times = {"taken_at": at, "uploaded_at": at + timedelta(hours=2)}
        photos.append(Photo(visit=visits[n // PHOTOS_A_VISIT], fingerprint=f"{n:064}", **times, **facts))
    Photo.objects.bulk_create(photos, batch_size=500)
    names = ("angry", "disgust", "fear", "happy", "sad", "surprise")
    predictions = []
    for n, photo in enumerate(photos):
        shares = {name: ((n * 7919 + k * 104729) % 1600) / 10000 for k, name in enumerate(names)}
        shares["neutral"] = 1 - sum(shares.values())
        faces = [FACE | {"detector_score": 0.9 + n / 1e7}]
        predictions.append(Prediction(photo=photo, state="done", model_version="0.5.0", faces=faces, chosen_face=0, **shares))
    Prediction.objects.bulk_create(predictions, batch_size=500)


def measure(photos: int = 100_000) -> None:
    """Write that many photos, measure and print."""
    from patients.models import Patient, User
    from patients.reports.csv_export import csv_response
    from patients.reports.scope import Scope

    write_photos(photos)
    ada, scope = User.objects.get(), Scope([Patient.objects.get()])
    taken, size = [], 0
    for _ in range(RUNS):
        began = time.process_time()
        size = sum(len(part) for part in csv_response("photos", scope, ada))
        taken.append(time.process_time() - began)
    tracemalloc.start()
    for _part in csv_response("photos", scope, ada):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    began = time.process_time()
    visits = sum(1 for _part in csv_response("visits", scope, ada))
    facts = {
        "photos": photos,
        "rows_per_second": round(photos / min(taken)),
        "seconds": round(min(taken), 2),
        "megabytes": round(size / 1e6, 1),
        "peak_memory_megabytes": round(peak / 1e6, 1),
        "visits_seconds": round(time.process_time() - began, 2),
        "visits_parts": visits,
    }
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    try:
        prepare()
        measure(*(int(argument) for argument in sys.argv[1:]))
    finally:
        tests.environment.pytest_unconfigure()
