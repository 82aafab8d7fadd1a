"""How fast the photo and visit tables are written, and in how much memory; prints JSON.

    python -m benchmarks.csv_export [PHOTOS [MORE]]

Measures with PHOTOS rows and then with MORE, a million by default; writing those takes minutes. The rates count processor time, so
that other work on the computer affects them less. Memory is the peak of a process that only exports, and what the export added to
it.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import django
from django.utils import timezone

import tests.environment  # a private folder and keys; must come before the settings are read

RUNS = 3
PHOTOS_A_VISIT = 20
VISITS_A_PATIENT = 500
FACE = {"box": {"left": 8, "top": 6, "width": 24, "height": 30}, "detector_score": 0.9371, "roll_degrees": 1.25}
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise")


def prepare() -> None:
    """Set Django up and create the database, unless it is there."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
    os.environ["LOG_LEVEL"] = "WARNING"
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.DEBUG = False  # Django would keep the text of every query

    call_command("migrate", verbosity=0)


def write(first: str, end: str) -> None:
    """Create the photos with these numbers, all of them read, with their visits and patients."""
    prepare()
    from patients.models import Patient, User, Visit

    ada = User.objects.get_or_create(email="ada@clinic.example", defaults={"display_name": "Ada Okafor"})[0]
    a_patient = PHOTOS_A_VISIT * VISITS_A_PATIENT
    for start in range(int(first), int(end), a_patient):
        number = f"R-{start // a_patient}"
        patient = Patient.objects.create(name="Ines Moreau", record_number=number, birth_date=date(1991, 2, 14))
        days = (date(2024, 1, 1) + timedelta(days=day) for day in range(VISITS_A_PATIENT))
        visits = Visit.objects.bulk_create(Visit(patient=patient, date=day, created_by=ada) for day in days)
        write_record(visits, ada, range(start, min(start + a_patient, int(end))))


def write_record(visits: list[Any], ada: Any, numbers: range) -> None:  # Any: models cannot be imported before the setup
    """Create the photos of one patient, twenty within three minutes at each visit."""
    from inference.models import Prediction
    from patients.models import Photo

    taken = datetime(2024, 1, 1, 9, 46, tzinfo=timezone.get_default_timezone())
    photos, predictions = [], []
    for at, n in enumerate(numbers):
        day, place = divmod(at, PHOTOS_A_VISIT)
        taken_at = taken + timedelta(days=day, seconds=9 * place)
        facts = {"width": 1200, "height": 1600, "uploaded_by": ada, "image": "aa/aa", "taken_at": taken_at}
        photo = Photo(visit=visits[day], fingerprint=f"{n:064}", uploaded_at=taken_at + timedelta(hours=2), **facts)
        shares = {name: ((n * 7919 + k * 104729) % 1600) / 10000 for k, name in enumerate(NAMES)}
        shares["neutral"] = 1 - sum(shares.values())
        faces = [FACE | {"detector_score": 0.9 + (n % 10**6) / 1e7}]
        photos.append(photo)
        predictions.append(Prediction(photo=photo, state="done", model_version="0.5.0", faces=faces, chosen_face=0, **shares))
    Photo.objects.bulk_create(photos, batch_size=500)
    Prediction.objects.bulk_create(predictions, batch_size=500)


def peak() -> float:
    """Return the most memory that this process has held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def exported(table: str) -> Iterator[bytes]:
    """Yield the parts of a table of all patients."""
    from patients.models import Patient, User
    from patients.reports.csv_export import csv_response
    from patients.reports.scope import Scope

    return iter(csv_response(table, Scope(list(Patient.objects.all())), User.objects.get()))


def measure(table: str) -> None:
    """Export a table and print what that took."""
    prepare()
    next(exported(table))
    before, taken, size, rows = peak(), [], 0, 0
    for _ in range(RUNS):
        began, size, rows = time.process_time(), 0, -1
        for part in exported(table):
            size += len(part)
            rows += part.count(b"\r\n")
        taken.append(time.process_time() - began)
    facts = {"rows": rows, "seconds": round(min(taken), 2), "rows_per_second": round(rows / min(taken))}
    memory = {"peak_megabytes": round(peak(), 1), "added_megabytes": round(peak() - before, 1)}
    print(json.dumps({**facts, "megabytes": round(size / 1e6, 1), **memory}))


def in_new_process(*command: str) -> str:
    """Run a step in a process of its own, whose memory is the step's alone, and return what it prints."""
    command = (sys.executable, "-m", "benchmarks.csv_export", *command)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def compare(fewer: str = "100000", more: str = "1000000") -> None:
    """Measure with that many photos and then with more, and print both and what became of rate and memory."""
    found: dict[str, list[dict[str, float]]] = {"photos": [], "visits": []}
    for first, end in (("0", fewer), (fewer, more)):
        in_new_process("write", first, end)
        for table, results in found.items():
            results.append(json.loads(in_new_process("measure", table)))
    ratios = {
        table: {name: round(large[name] / small[name], 2) for name in ("rows", "rows_per_second", "peak_megabytes")}
        for table, (small, large) in found.items()
    }
    print(json.dumps({**found, "ratios": ratios}, indent=2))


STEPS: dict[str, Callable[..., None]] = {"write": write, "measure": measure}
if __name__ == "__main__":
    try:
        name, *arguments = sys.argv[1:] or ("",)
        if name in STEPS:
            STEPS[name](*arguments)
        else:
            compare(*sys.argv[1:])
    finally:
        tests.environment.pytest_unconfigure()
