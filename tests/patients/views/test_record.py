"""The patient page and its forms."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from patients.models import Patient, User, Visit
from patients.timeline.summaries import refresh
from tests.factories import make_patient, make_read_visits, make_visit
from tests.queries import OF_A_TEST, OF_THE_ACCESS_LOG

FIELDS = {"name": "Mara Novak", "birth_date": "1980-05-04", "record_number": "R-777"}


def test_a_new_patient_belongs_to_who_added_them(browser: Client, ada: User, bo: User) -> None:
    answer = browser.post("/patients/new/", FIELDS)
    patient = Patient.objects.visible_to(ada).get()
    assert answer.headers["Location"] == f"/patients/{patient.pk}/consent/"
    assert (patient.name, patient.birth_date) == ("Mara Novak", date(1980, 5, 4))
    assert not Patient.objects.visible_to(bo).exists()


def test_a_record_number_is_given_once_however_it_is_spaced(browser: Client, bo: User) -> None:
    taken = make_patient(bo)
    page = browser.post("/patients/new/", FIELDS | {"record_number": f" {taken.record_number.lower()} "})
    assert "A patient with this record number already exists." in page.content.decode()
    assert Patient.objects.count() == 1


def test_a_date_of_birth_in_the_future_is_refused(browser: Client) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = browser.post("/patients/new/", FIELDS | {"birth_date": tomorrow.isoformat()})
    assert "A date of birth cannot be in the future." in page.content.decode()
    assert not Patient.objects.exists()


def test_an_edited_patient_keeps_what_was_not_changed(browser: Client, ines: Patient) -> None:
    fields = {"name": "Ines Moreau-Lind", "birth_date": "1991-02-14", "record_number": ines.record_number}
    browser.post(f"/patients/{ines.pk}/edit/", fields)
    ines.refresh_from_db()
    assert ines.name == "Ines Moreau-Lind"


def test_a_refused_change_leaves_the_banner_as_it_is(browser: Client, ines: Patient) -> None:
    page = browser.post(f"/patients/{ines.pk}/edit/", {"name": "", "birth_date": "", "record_number": ""})
    assert page.context["patient"].name == "Ines Moreau"


def test_a_new_visit_opens_for_photos(browser: Client, ines: Patient, ada: User) -> None:
    answer = browser.post(f"/patients/{ines.pk}/visits/new/", {"date": "2026-11-19", "note": "First talk."})
    visit = ines.visits.get()
    assert answer.headers["Location"] == f"/visits/{visit.pk}/"
    assert (visit.date, visit.note, visit.created_by) == (date(2026, 11, 19), "First talk.", ada)


def test_a_visit_to_come_is_refused(browser: Client, ines: Patient) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = browser.post(f"/patients/{ines.pk}/visits/new/", {"date": tomorrow.isoformat()})
    assert "A visit cannot be in the future." in page.content.decode()
    assert not ines.visits.exists()


@pytest.mark.parametrize("day", ["0026-11-20", "1991-02-13"])
def test_a_visit_before_birth_is_refused(browser: Client, ines: Patient, day: str) -> None:
    page = browser.post(f"/patients/{ines.pk}/visits/new/", {"date": day})
    assert "This is before the patient’s date of birth." in page.content.decode()
    assert not ines.visits.exists()


def test_a_date_of_birth_in_the_year_202_is_refused(browser: Client) -> None:
    page = browser.post("/patients/new/", FIELDS | {"birth_date": "0202-03-01"})
    assert "This date of birth is too long ago. Check the year." in page.content.decode()
    assert not Patient.objects.exists()


def test_a_second_visit_on_one_day_is_asked_about(browser: Client, ines: Patient) -> None:
    today = make_visit(ines, timezone.localdate())
    page = browser.get(f"/patients/{ines.pk}/visits/new/").content.decode()
    assert "There is already a visit today." in page
    assert f'href="/visits/{today.pk}/"' in page


@pytest.mark.parametrize(("days", "words"), [(0, "No photos yet"), (1, "One visit, no trend yet"), (2, 'id="figure"')])
def test_the_timeline_grows_with_the_visits(browser: Client, ines: Patient, days: int, words: str) -> None:
    make_read_visits(ines, days)
    assert words in browser.get(f"/patients/{ines.pk}/").content.decode()


def test_a_visit_without_photos_is_in_the_table(browser: Client, visit: Visit) -> None:
    page = browser.get(f"/patients/{visit.patient_id}/").content.decode()
    assert f'href="/visits/{visit.pk}/"' in page
    assert "20 Nov 2026" in page


def test_visits_are_numbered_from_the_first_and_listed_from_the_last(browser: Client, ines: Patient) -> None:
    make_read_visits(ines, 3)
    rows = browser.get(f"/patients/{ines.pk}/").context["visits"]
    assert [(row.number, row.point.date) for row in rows] == [
        (3, date(2026, 1, 19)),
        (2, date(2026, 1, 12)),
        (1, date(2026, 1, 5)),
    ]


def test_the_number_of_queries_does_not_grow_with_the_visits(
    browser: Client, ines: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh([ines.pk])  # a new patient is computed as a whole
    make_read_visits(ines, 2)
    browser.get(f"/patients/{ines.pk}/")  # remembers the look: later ones renew it
    for _ in range(2):
        # session, user, patient with what the banner says, own labels, visits, events, self-reports, the last view,
        # and whether photos of an older model can be read again: the model of the worker, and how many
        with django_assert_num_queries(10 + OF_A_TEST + OF_THE_ACCESS_LOG):
            browser.get(f"/patients/{ines.pk}/")
        make_read_visits(ines, 6, first=date(2026, 4, 1))
