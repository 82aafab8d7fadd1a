"""The comparison page: the last two visits at first, any two visits by name, any two periods by their days."""

import re
from datetime import date, timedelta
from html import unescape
from uuid import uuid4

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


def ids(patient: Patient) -> list[str]:
    """Return the ids of the visits, oldest first."""
    return [str(pk) for pk in patient.visits.order_by("date", "created_at").values_list("pk", flat=True)]


def test_at_first_the_last_two_visits(browser: Client, compared: Patient) -> None:
    text = text_of(browser, compared)
    assert "26 Jan 2026 1 visit, 3 photos, interval over photos" in text
    assert "2 Feb 2026 1 visit, 3 photos, interval over photos" in text
    assert "The valence index was 0.30 lower on 2 Feb 2026 (−0.50) than on 26 Jan 2026 (−0.20)." in text
    assert "Valence index −1 to 1 −1 −0.5 0 0.5 1 −0.20 −0.20 to −0.20 −0.50 −0.50 to −0.50 −0.30 −0.30 to −0.30" in text
    assert "sad 20% 20% to 20% 50% 50% to 50% +30 +30 to +30" in text
    assert "angry <1% <1% <1% <1% 0 0 to 0" in text
    assert "usual range −0.49 to 0.05" in text
    assert "eight visits on each side are needed" in text
    assert "Bold" not in text  # nothing is


def test_two_visits_by_name(browser: Client, compared: Patient) -> None:
    first, *_, last = ids(compared)
    text = text_of(browser, compared, f"?a={first}&b={last}")
    assert "The valence index was 0.40 lower on 2 Feb 2026 (−0.50) than on 5 Jan 2026 (−0.10)." in text
    page = browser.get(f"/patients/{compared.pk}/compare/?a={first}&b={last}").content.decode()
    assert f'<option value="{first}" selected>5 Jan 2026 · baseline visit · 3 of 3 photos</option>' in page


def test_two_visits_of_one_day_can_be_compared(browser: Client, compared: Patient) -> None:
    make_prediction(
        make_photo(make_visit(compared, date(2026, 2, 2))), probabilities=probabilities_of(sad=0.1), model_version="1.3.0"
    )
    text = text_of(browser, compared)
    assert "2 Feb 2026 (visit 1 of 2) 1 visit, 3 photos" in text
    assert "2 Feb 2026 (visit 2 of 2) 1 visit, 1 photo, too few for an interval" in text


def test_a_visit_is_not_compared_with_itself(browser: Client, compared: Patient) -> None:
    first = ids(compared)[0]
    assert "This visit is on both sides. Choose another." in text_of(browser, compared, f"?a={first}&b={first}")
    assert "This visit is on both sides. Choose another." in text_of(browser, compared, f"?a=baseline&b={first}")


def test_a_visit_that_is_gone_is_asked_for_again(browser: Client, compared: Patient) -> None:
    text = text_of(browser, compared, f"?a={uuid4()}&b={ids(compared)[0]}")
    assert "This visit has no photos that count, or is gone. Choose another." in text


def test_two_periods_by_their_days(browser: Client, compared: Patient) -> None:
    text = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-19&b_from=2026-01-26&b_to=2026-02-02")
    assert "5 Jan 2026 to 19 Jan 2026 3 visits, 9 photos, interval over visits" in text
    assert "26 Jan 2026 to 2 Feb 2026 2 visits, 6 photos, interval over photos" in text
    assert "sad 13% 10% to 20% 35%" in text


def test_bold_is_explained_where_something_is_bold(browser: Client, ines: Patient) -> None:
    for week in range(16):
        visit = make_visit(ines, date(2026, 1, 5) + timedelta(weeks=week))
        make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.1 if week < 8 else 0.6))
    page = browser.get(f"/patients/{ines.pk}/compare/?a_from=2026-01-01&a_to=2026-02-25&b_from=2026-02-26&b_to=2026-12-31")
    assert "Bold: the interval excludes zero." in page.content.decode()
    assert "is-clear" in page.content.decode()


def test_different_models_are_a_warning(browser: Client, compared: Patient) -> None:
    assert "Read by different models." in text_of(browser, compared)
    first, second, *_ = ids(compared)
    assert "Read by different models." not in text_of(browser, compared, f"?a={first}&b={second}")


def test_days_without_photos_and_days_in_the_wrong_order_are_said(browser: Client, compared: Patient) -> None:
    empty = text_of(browser, compared, "?a_from=2025-01-05&a_to=2025-01-05&b_from=2026-01-12&b_to=2026-01-12")
    assert "No photo counts in one of the periods." in empty
    wrong = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-01&b_from=2026-01-12&b_to=2026-01-12")
    assert "The last day is before the first." in wrong
    shared = text_of(browser, compared, "?a_from=2026-01-05&a_to=2026-01-19&b_from=2026-01-19&b_to=2026-02-02")
    assert "The periods overlap. Choose days that do not." in shared


def test_shortcuts_lead_to_what_they_say(browser: Client, compared: Patient) -> None:
    first, *_, last = ids(compared)
    page = browser.get(f"/patients/{compared.pk}/compare/").content.decode()
    assert f'href="?a={first}&amp;b={last}">First and last visit' in page
    assert "Baseline visits and last visit" not in page  # it is one of them
    assert "Last six months" not in page  # there are none yet


def test_baseline_visits_are_a_side_whatever_lies_between(browser: Client, ines: Patient) -> None:
    visits = make_read_visits(ines, days=10, photos_each=1)
    ines.visits.filter(pk__in=[visit.pk for visit in (*visits[:3], *visits[5:8])]).update(is_baseline=True)
    assert "Baseline visits and last visit" in text_of(browser, ines)
    assert "Baseline visits 6 visits, 6 photos" in text_of(browser, ines, f"?a=baseline&b={visits[-1].pk}")


def test_one_visit_cannot_be_compared(browser: Client, ines: Patient) -> None:
    make_prediction(make_photo(make_visit(ines)))
    assert "Nothing to compare yet" in text_of(browser, ines)


def test_queries_do_not_grow_with_visits(
    browser: Client, compared: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(14):  # five of them for the access log
        text_of(browser, compared)
