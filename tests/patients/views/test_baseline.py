"""Which visits are usual is the clinician's choice; the range follows it."""

from datetime import date, timedelta

import pytest
from django.test import Client

from patients.models import Patient, Visit
from patients.timeline.baseline import baseline_of
from patients.timeline.summaries import points
from tests.factories import make_photo, make_prediction, make_visit, probabilities_of


@pytest.fixture
def visits(ines: Patient) -> list[Visit]:
    """Return ten weekly visits of Ines; the index falls by 0.05 from one to the next."""
    made = [make_visit(ines, date(2026, 1, 5) + timedelta(weeks=week)) for week in range(10)]
    for week, visit in enumerate(made):
        make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.05 * week))
    return made


def chosen(patient: Patient) -> list[Visit]:
    return list(patient.visits.filter(is_baseline=True))


def test_chosen_visits_make_the_range(browser: Client, ines: Patient, visits: list[Visit]) -> None:
    answer = browser.post(f"/patients/{ines.pk}/usual-range/", {"visit": [str(visit.pk) for visit in visits[4:9]]})
    assert answer.headers["Location"] == f"/patients/{ines.pk}/"
    assert chosen(ines) == visits[4:9]
    baseline = baseline_of(points(ines))
    assert baseline is not None
    assert (baseline.n, baseline.is_chosen) == (5, True)
    assert (baseline.low, baseline.high) == pytest.approx((-0.433, -0.167))  # -0.3 ± 2.66 × 0.05


def test_page_shows_what_the_range_rests_on_now(browser: Client, ines: Patient, visits: list[Visit]) -> None:
    page = browser.get(f"/patients/{ines.pk}/usual-range/").content.decode()
    assert page.count('name="visit"') == 10
    assert page.count(" checked") == 8  # the first eight


def test_too_few_are_refused_and_stay_ticked(browser: Client, ines: Patient, visits: list[Visit]) -> None:
    page = browser.post(f"/patients/{ines.pk}/usual-range/", {"visit": [str(visit.pk) for visit in visits[:3]]}).content.decode()
    assert "Choose at least four visits, or use the first eight." in page
    assert page.count(" checked") == 3
    assert chosen(ines) == []


@pytest.mark.parametrize(
    ("left", "words", "short"),
    [
        (3, "Only 3 of the chosen baseline visits still have photos that count", "Only 3 chosen visits count"),
        (1, "Only 1 of the chosen baseline visits still has photos that count", "Only 1 chosen visit counts"),
        (0, "None of the chosen baseline visits has photos that count any more", "Only 0 chosen visits count"),
    ],
)
def test_chosen_visits_that_no_longer_count_are_told(
    browser: Client, ines: Patient, visits: list[Visit], left: int, words: str, short: str
) -> None:
    ines.visits.filter(pk__in=[visit.pk for visit in visits[:4]]).update(is_baseline=True)
    for visit in visits[left:4]:
        visit.photos.get().exclude("Not this patient.")
    words += "; a usual range needs four."
    record = browser.get(f"/patients/{ines.pk}/").content.decode()
    assert record.count(words) == 2  # beside the figure, and in its sentence
    summary = browser.get(f"/visits/{visits[-1].pk}/state/").content.decode()
    assert words in summary
    assert f'href="/patients/{ines.pk}/usual-range/"' in summary
    assert short in browser.get("/patients/").content.decode()
    for text in (record, summary):
        assert "four visits have photos" not in text
        assert "after four visits" not in text
    assert browser.get(f"/patients/{ines.pk}/usual-range/").content.decode().count(" checked") == left


def test_the_first_eight_come_back(browser: Client, ines: Patient, visits: list[Visit]) -> None:
    ines.visits.filter(pk__in=[visit.pk for visit in visits[5:]]).update(is_baseline=True)
    browser.post(f"/patients/{ines.pk}/usual-range/", {"visit": [str(visits[0].pk)], "reset": "1"})
    assert chosen(ines) == []


def test_visits_of_another_patient_cannot_be_chosen(browser: Client, strange: Client, ines: Patient, visits: list[Visit]) -> None:
    other = Patient.objects.create(name="Omar", record_number="R-1", birth_date=date(1980, 1, 1))
    foreign = Visit.objects.create(patient=other, date=date(2026, 1, 1), created_by=visits[0].created_by)
    asked = [str(visit.pk) for visit in (*visits[:4], foreign)]
    browser.post(f"/patients/{ines.pk}/usual-range/", {"visit": asked})
    foreign.refresh_from_db()
    assert not foreign.is_baseline
    assert strange.post(f"/patients/{ines.pk}/usual-range/", {"visit": asked}).status_code == 404


def test_patient_without_photos_has_nothing_to_choose(browser: Client, ines: Patient) -> None:
    assert "No visit has photos that count yet" in browser.get(f"/patients/{ines.pk}/usual-range/").content.decode()
