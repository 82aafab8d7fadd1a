"""What pages of a patient ask the database: the same few questions of a short and of a long record."""

from datetime import date

import pytest
from django.test import Client

from inference.dispatch import current_model_version
from inference.models import Prediction
from patients.models import Event, Patient, SelfReport, Team, Visit
from tests.factories import make_read_visits
from tests.queries import queries_of

MOST = {
    "/patients/": 9,
    "/patients/{patient}/": 10,
    "/patients/{patient}/?visits=all": 10,
    "/patients/{patient}/usual-range/": 6,
    "/patients/{patient}/compare/": 7,
    "/visits/{visit}/": 10,
    "/photos/{photo}/": 10,
}
"""Two of them are for the access log; each page of a list has entries of the last minutes."""


@pytest.fixture
def paths(ines: Patient) -> list[str]:
    """Return the addresses of the pages of a patient with two visits."""
    visit = read_now(make_read_visits(ines, 2, photos_each=1))[-1]
    names = {"patient": ines.pk, "visit": visit.pk, "photo": visit.photos.get().pk}
    return [path.format(**names) for path in MOST]


def read_now(visits: list[Visit]) -> list[Visit]:
    """Return the visits, their photos read by the current model: else a page also asks which of them can be read again."""
    Prediction.objects.filter(photo__visit__in=visits).update(model_version=current_model_version())
    return visits


def grow(patient: Patient) -> None:
    """Give the patient six more visits with self-reports and notes, and more of all that pages name."""
    for visit in read_now(make_read_visits(patient, 6, photos_each=1, first=date(2026, 4, 1))):
        visit.note = "Slept badly."
        visit.save()
        SelfReport.objects.create(visit=visit, mood=4)
    for name in ("Day clinic", "Night clinic"):
        Team.objects.create(name=name).patients.add(patient)
    for day in (1, 2):
        facts = {"kind": "medication", "label": "Sertraline", "starts_on": date(2026, 4, day)}
        Event.objects.create(patient=patient, created_by=visit.created_by, **facts)


def test_pages_take_the_same_few_queries_for_many_visits(
    transactional_db: None, browser: Client, ines: Patient, paths: list[str]
) -> None:
    for _ in range(2):
        for path, most in zip(paths, MOST.values(), strict=True):
            browser.get(path)  # stores summaries, and remembers the look
            asked = queries_of(browser, path)
            assert len(asked) == most, f"{path}:\n" + "\n".join(query[:200] for query in asked)
        if not ines.events.exists():
            grow(ines)
