"""Server time of each stage of a timeline of 400 visits with 20 photos each, and the size of the page.

    python -m benchmarks.timeline_400_visits [VISITS [PHOTOS]]

Each time is the least processor time of five runs, so that other work on the computer hardly affects it.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import django

import tests.environment  # a private folder and keys; must come before the settings are read

RUNS = 5


def milliseconds(work: Callable[[], object]) -> float:
    """Return the least processor time of `work` in five runs, in milliseconds."""
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken) * 1000


def prepare() -> None:
    """Set Django up and create an empty database."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
    os.environ["LOG_LEVEL"] = "WARNING"  # else every request is logged
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.DEBUG = False  # else Django records every query

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)


def measure(visits: int = 400, photos: int = 20) -> None:
    """Create a patient with that many visits, measure and print."""
    # Models can be imported only after the setup.
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    from patients.models import User
    from patients.timeline.page import timeline
    from patients.timeline.plot.figure import figure
    from patients.timeline.summaries import points
    from tests.patients.timeline.long_record import write_record

    ada = User.objects.create_user("ada@clinic.example", display_name="Ada Okafor")
    patient = write_record(ada, "R-400", visits, photos, days_apart=4)
    with CaptureQueriesContext(connection) as captured:
        shown = timeline(patient)
        queries = len(captured)
    client = Client(headers={"host": "localhost"})
    client.force_login(ada)

    @override_settings(MFA_REQUIRED=False)
    def page() -> bytes:
        """Return the patient's page."""
        answer = client.get(f"/patients/{patient.pk}/")
        assert answer.status_code == 200, answer.status_code
        return answer.content

    print(f"{visits} visits with {photos} photos each")
    print(f"queries                 {queries:8d}")
    print(f"points                  {milliseconds(lambda: points(patient)):8.0f} ms")
    print(f"the same with intervals {milliseconds(lambda: [point.probabilities for point in points(patient)]):8.0f} ms")
    print(f"figure                  {milliseconds(lambda: figure(shown.points, shown.baseline)):8.0f} ms")
    print(f"figure as JSON          {milliseconds(lambda: json.dumps(shown.figure)):8.0f} ms")
    print(f"whole page              {milliseconds(page):8.0f} ms")
    print(f"figure                  {len(json.dumps(shown.figure)) / 1024:8.0f} KiB")
    print(f"whole page              {len(page()) / 1024:8.0f} KiB")


if __name__ == "__main__":
    try:
        prepare()
        measure(*(int(argument) for argument in sys.argv[1:]))
    finally:
        tests.environment.pytest_unconfigure()
