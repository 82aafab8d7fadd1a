"""The comparison page: the last two visits at first, any two periods by its form."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.models import Patient
from tests.factories import make_photo, make_prediction, make_read_visits, make_visit, probabilities_of


def text_of(browser: Client, patient: Patient, query: str = "") -> str:
    page = browser.get(f"/patients/{patient.pk}/compare/{query}").content.decode()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.fixture
def compared(ines: Patient) -> Patient:
    """Return Ines with five visits, of which the last is by another model."""
    for week, sad in enumerate((0.1, 0.1, 0.2, 0.2, 0.5)):
        visit = make_visit(ines, date(2026, 1, 5) + timedelta(weeks=week))
        for _ in range(3):
            make_prediction(
                make_photo(visit), probabilities=probabilities_of(sad=sad), model_version="1.2.0" if week < 4 else "1.3.0"
            )
    return ines


def test_at_first_the_last_two_visits(browser: Client, compared: Patient) -> None:
    text = text_of(browser, compared)
    assert "26 Jan 2026 1 visit, 3 photos, interval over photos" in text
    assert "2 Feb 2026 1 visit, 3 photos, interval over photos" in text
    assert "Valence index −1 to 1 −0.20 −0.20 to −0.20 −0.50 −0.50 to −0.50 −0.30 −0.30 to −0.30" in text
    assert "sad 20% 20% to 20% 50% 50% to 50% +30 +30 to +30" in text
    assert "angry under 1% under 1% under 1% under 1% 0 0 to 0" in text


def test_two_visits_of_one_day_are_one_side(browser: Client, compared: Patient) -> None:
    make_prediction(
        make_photo(make_visit(compared, date(2026, 2, 2))), probabilities=probabilities_of(sad=0.5), model_version="1.3.0"
    )
    text = text_of(browser, compared)
    assert "26 Jan 2026 1 visit, 3 photos" in text
    assert "2 Feb 2026 2 visits, 4 photos" in text
    compared.visits.exclude(date=date(2026, 2, 2)).delete()
    assert "Photos that count on two days are needed." in text_of(browser, compared)


def test_two_periods_by_the_form(browser: Client, compared: Patient) -> None:
    text = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-19&b_from=2026-01-26&b_to=2026-02-02")
    assert "5 Jan 2026 to 19 Jan 2026 3 visits, 9 photos, interval over visits" in text
    assert "26 Jan 2026 to 2 Feb 2026 2 visits, 6 photos, interval over photos" in text
    assert "sad 13% 10% to 20% 35%" in text


def test_different_models_are_a_warning(browser: Client, compared: Patient) -> None:
    assert "Read by different models." in text_of(browser, compared)
    same = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-05&b_from=2026-01-12&b_to=2026-01-12")
    assert "Read by different models." not in same


def test_days_without_photos_and_days_in_the_wrong_order_are_said(browser: Client, compared: Patient) -> None:
    empty = text_of(browser, compared, "?a_from=2025-01-05&a_to=2025-01-05&b_from=2026-01-12&b_to=2026-01-12")
    assert "No photo counts on one side." in empty
    wrong = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-01&b_from=2026-01-12&b_to=2026-01-12")
    assert "The last day comes before the first." in wrong
    shared = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-19&b_from=2026-01-19&b_to=2026-02-02")
    assert "The periods share days: a visit would be compared with itself." in shared
    assert "a_from" not in text_of(browser, compared, "?a_from=yesterday&a_to=&b_from=&b_to=")


def test_shortcuts_lead_to_what_they_say(browser: Client, compared: Patient) -> None:
    page = browser.get(f"/patients/{compared.pk}/compare/").content.decode()
    assert "a_from=2026-01-05&amp;a_to=2026-01-05&amp;b_from=2026-02-02&amp;b_to=2026-02-02" in page
    assert "First and last visit" in page
    assert "Last half year" not in page  # there is no half year yet


def test_usual_visits_are_a_side_only_where_no_other_lies_between(browser: Client, ines: Patient) -> None:
    def offered() -> bool:
        return "Usual visits, " in browser.get(f"/patients/{ines.pk}/compare/").content.decode()

    visits = make_read_visits(ines, days=10, photos_each=1)
    assert offered()  # the first eight
    ines.visits.filter(pk__in=[visit.pk for visit in (*visits[:3], *visits[5:8])]).update(is_baseline=True)
    assert not offered()  # an episode in between was left out


def test_one_visit_cannot_be_compared(browser: Client, ines: Patient) -> None:
    make_prediction(make_photo(make_visit(ines)))
    assert "Nothing to compare yet" in text_of(browser, ines)


def test_queries_do_not_grow_with_visits(
    browser: Client, compared: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(14):  # five of them for the access log
        text_of(browser, compared)
