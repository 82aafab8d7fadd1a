"""What each page costs in a clinic of many patients: wall time, processor time, queries and bytes, as JSON lines.

    python -m benchmarks.growth --patients N [--visits 50] [--photos 20] [--others 4] [--postgres] [--chromium]

Every patient has a few visits (`--others`); one has `--visits` with `--photos` photos each, and its pages are measured. The
database is one of its own and is removed afterwards: SQLite, or with `--postgres` a private server. Each page is requested once
before it is measured, as a worker of a server would have been; `first_ms` is what that request took. `queries` are statements
without the borders of transactions. With `--chromium` a browser opens the patient with the figure.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import tests.environment  # a private folder and keys; must come before the settings are read
from benchmarks.in_chromium import drawn
from benchmarks.timeline_400_visits import prepare
from tests.engines.postgres import postgres
from tests.queries import BORDERS

ROUNDS = 5
FIRST_DAY = date(2024, 1, 8)
NAMES = ("Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Fatou", "Goran", "Hanna", "Ines", "Jonas", "Kemal", "Lucía", "Mats", "Nora")


def fill(patients: int, visits: int, photos: int, others: int) -> Any:  # Any: models cannot be imported before the setup
    """Create a clinician with that many patients; return the patient with `visits` visits."""
    from patients.models import Assignment, Consent, Patient, User
    from patients.models.patient import record_number_hash

    ada = User.objects.create_user("ada@clinic.example", display_name="Ada Okafor", may_export=True)
    rows = []
    for n in range(patients):
        name, number = f"{NAMES[n % len(NAMES)]} {NAMES[n // len(NAMES) % len(NAMES)]}sen {n}", f"R-{n:06}"
        rows.append(Patient(name=name, record_number=number, record_number_hash=record_number_hash(number), birth_date=FIRST_DAY))
    Patient.objects.bulk_create(rows, batch_size=1000)
    Assignment.objects.bulk_create([Assignment(patient=row, clinician=ada) for row in rows], batch_size=1000)
    consents = (Consent(patient=row, purpose="care", given_on=FIRST_DAY, recorded_by=ada) for row in rows)
    Consent.objects.bulk_create(consents, batch_size=1000)
    for start in range(1, patients, 50):
        write_visits(rows[start : start + 50], others, photos, ada, start)
    write_visits(rows[:1], visits, photos, ada, 0)
    return rows[0]


def write_visits(patients: list[Any], visits: int, photos: int, ada: Any, seed: int) -> None:  # Any: as above
    """Give each patient that many visits with read photos, the last of them within the last months."""
    from benchmarks.csv_export import FACE
    from benchmarks.csv_export import NAMES as LABELS
    from inference.models import Prediction
    from patients.models import Photo, Visit

    days = [date.today() - timedelta(days=3 * k + seed % 30) for k in range(visits)][::-1]
    made = Visit.objects.bulk_create([Visit(patient=one, date=day, created_by=ada) for one in patients for day in days])
    at, rows, readings = datetime.now().astimezone() - timedelta(days=1), [], []
    for v, visit in enumerate(made):
        for p in range(photos):
            facts = {"width": 1200, "height": 1600, "uploaded_by": ada, "image": "aa/aa", "preview": "aa/aa", "uploaded_at": at}
            photo = Photo(visit=visit, fingerprint=f"{p:064}", **facts)
            shares = {name: ((p * 7919 + v * 611 + k * 104729) % 1600) / 10000 for k, name in enumerate(LABELS)}
            shares["neutral"] = 1 - sum(shares.values())
            read: dict[str, Any] = {"state": "done", "model_version": "0.5.0", "faces": [FACE], "chosen_face": 0, "finished_at": at}
            rows.append(photo)
            readings.append(Prediction(photo=photo, **read, **shares))
    Photo.objects.bulk_create(rows, batch_size=500)
    Prediction.objects.bulk_create(readings, batch_size=500)


def addresses(patient: Any) -> Iterator[tuple[str, str]]:  # Any: as above
    """Yield name and path of each page that is measured."""
    from patients.models import Photo

    visit = patient.visits.latest("date")
    photo = Photo.objects.filter(visit=visit).earliest("uploaded_at", "id")
    yield "list", "/patients/"
    yield "list by name", "/patients/?sort=name"
    yield "search", "/patients/?q=lucia+R-0"
    yield "patient", f"/patients/{patient.pk}/"
    yield "every visit", f"/patients/{patient.pk}/?visits=all"
    yield "usual range", f"/patients/{patient.pk}/usual-range/"
    yield "visit", f"/visits/{visit.pk}/"
    yield "compare", f"/patients/{patient.pk}/compare/"
    yield "photo", f"/photos/{photo.pk}/"
    yield "csv", f"/patients/{patient.pk}/csv/"
    yield "csv of all", "/patients/csv/"


def measure(page: str, path: str, client: Any) -> dict[str, object]:  # Any: the test client
    """Return what one page costs: the median of five requests, up to the last byte."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    first = timed(client, path)[0]
    rounds = [timed(client, path) for _ in range(1 if path.endswith("csv/") else ROUNDS)]
    walls, processors, sizes, waits, spent = zip(*rounds, strict=True)
    with CaptureQueriesContext(connection) as captured:
        b"".join(client.get(path))
    asked = [query for query in captured if not query["sql"].startswith(BORDERS)]
    cost = {"wall_ms": round(statistics.median(walls)), "cpu_ms": round(statistics.median(processors))}
    answer = {"page": page, **cost, "queries": len(asked), "bytes": sizes[0], "first_ms": round(first)}
    return answer | ({"first_row_ms": round(waits[0]), "first_row_cpu_ms": round(spent[0])} if path.endswith("csv/") else {})


def timed(client: Any, path: str) -> tuple[float, float, int, float, float]:
    """Return wall and processor time of a page in milliseconds, its size, and both times until its second part: the first row."""
    wall, processor = time.perf_counter(), time.process_time()
    response = client.get(path)
    assert response.status_code == 200, f"{path} answers {response.status_code}"
    size = 0
    waits: list[tuple[float, float]] = []
    for part in response:
        size += len(part)
        if len(waits) < 2:
            waits.append(((time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000))
    return (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000, size, *waits[-1]


def size_of_database() -> dict[str, object]:
    """Return which database it is, the number of photos in it, and its size on disk for each of them.

    Readings have no picture of the face here: each real one adds the `face_bytes` of `benchmarks.photo_cost`.
    """
    from django.db import connection

    from patients.models import Photo

    sizes = {
        "postgresql": "SELECT pg_database_size(current_database())",
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    }
    with connection.cursor() as cursor:
        cursor.execute(sizes[connection.vendor])
        size = cursor.fetchone()[0]
    photos = Photo.objects.count()
    return {
        "database": connection.vendor,
        "photos_in_all": photos,
        "database_mb": round(size / 1e6),
        "bytes_per_photo": round(size / photos),
    }


def main() -> None:
    """Fill and measure, and print one line per page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--visits", type=int, default=50)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--others", type=int, default=4, help="visits of every other patient")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--chromium", action="store_true", help="also time the figure in a browser")
    asked = parser.parse_args()
    if asked.postgres and "DATABASE_URL" not in os.environ:
        with postgres() as url:
            again = [sys.executable, "-m", "benchmarks.growth", *sys.argv[1:]]
            sys.exit(subprocess.run(again, env=os.environ | {"DATABASE_URL": url}, check=False).returncode)
    prepare()
    from django.db import connection
    from django.test import Client
    from django.test.utils import override_settings

    from patients.models import User

    patient = fill(asked.patients, asked.visits, asked.photos, asked.others)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get())
    print(json.dumps({"patients": asked.patients, "visits": asked.visits, "photos": asked.photos} | size_of_database()), flush=True)
    with override_settings(MFA_REQUIRED=False):
        for page, path in addresses(patient):
            print(json.dumps(measure(page, path, client)), flush=True)
        if asked.chromium:
            cookies = {name: cookie.value for name, cookie in client.cookies.items()}
            print(json.dumps({"page": "patient in Chromium"} | drawn(f"/patients/{patient.pk}/", cookies)), flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        tests.environment.pytest_unconfigure()
