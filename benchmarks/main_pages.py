"""Queries and server time of the main pages, for a patient with 200 visits of 20 photos each.

    python -m benchmarks.main_pages [VISITS [PHOTOS]]

Each page is requested ten times. Processor time is that of this process, so that other work on the computer hardly affects it.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator

import tests.environment  # a private folder and keys; must come before the settings are read
from benchmarks.timeline_400_visits import prepare

ROUNDS = 10


def addresses(visits: int, photos: int) -> Iterator[tuple[str, str]]:
    """Create the patient, then yield the name and the path of each main page."""
    # Models can be imported only after the setup.
    from patients.models import Consent, Photo, User
    from tests.patients.timeline.long_record import write_events, write_record

    ada = User.objects.get(email="ada@clinic.example")
    patient = write_record(ada, "R-200", visits, photos, days_apart=3)
    write_events(patient, ada)
    Consent.give(patient, "care", ada, on=patient.visits.earliest("date").date)
    visit = patient.visits.latest("date")
    photo = Photo.objects.filter(visit=visit).earliest("uploaded_at")
    yield "my patients", "/patients/"
    yield "patient with timeline", f"/patients/{patient.pk}/"
    yield "the same, every visit listed", f"/patients/{patient.pk}/?visits=all"
    yield "compare", f"/patients/{patient.pk}/compare/"
    yield "usual range", f"/patients/{patient.pk}/usual-range/"
    yield "visit", f"/visits/{visit.pk}/"
    yield "photo", f"/photos/{photo.pk}/"
    yield "CSV of the patient", f"/patients/{patient.pk}/csv/"


def measure(visits: int = 200, photos: int = 20) -> None:
    """Measure and print, one line per page: queries, median and worst wall time, median processor time, size."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    from patients.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_user("ada@clinic.example", display_name="Ada Okafor", may_export=True))
    print(f"{visits} visits with {photos} photos each, on {connection.vendor}, {os.cpu_count()} cores")
    print(f"{'page':30}{'queries':>9}{'median':>11}{'worst':>11}{'processor':>11}{'size':>11}")
    with override_settings(MFA_REQUIRED=False):
        for name, path in addresses(visits, photos):
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(path)
                # Without this check, a quick refusal would count as a fast page.
                assert answer.status_code == 200, f"{path} answers {answer.status_code}"
                body = answer.getvalue()
                queries = len(captured)
            walls, processors = zip(*(timed(client, path) for _ in range(ROUNDS)), strict=True)
            middle, worst, busy = statistics.median(walls), max(walls), statistics.median(processors)
            print(f"{name:30}{queries:9d}{middle:8.0f} ms{worst:8.0f} ms{busy:8.0f} ms{len(body) / 1024:7.0f} KiB")


def timed(client: object, path: str) -> tuple[float, float]:
    """Return the wall time and the processor time of a page up to its last byte, in milliseconds."""
    wall, processor = time.perf_counter(), time.process_time()
    client.get(path).getvalue()  # type: ignore[attr-defined]  # django.test cannot be imported before the setup
    return (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000


if __name__ == "__main__":
    try:
        prepare()
        measure(*(int(argument) for argument in sys.argv[1:]))
    finally:
        tests.environment.pytest_unconfigure()
