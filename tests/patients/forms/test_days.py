"""Days that are typed: read in one way, or asked back."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from patients.forms.days import DayField
from patients.models import Patient, User, Visit
from patients.models.formats import day, long_day

MARCH = date(1980, 3, 4)


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        ("en", "1980-03-04"),
        ("en", "1980/3/4"),
        ("en", "4 Mar 1980"),
        ("en", "4 March 1980"),
        ("en", "4th March 1980"),
        ("en", "04 mar. 1980"),
        ("en", "Mar 4, 1980"),
        ("en", "March 4 1980"),
        ("en", " 1980\u20113\u20114\u200b"),
        ("en", "１９８０-０３-０４"),
        ("fr", "4 mars 1980"),
        ("fr", "04/03/1980"),
        ("es", "4 de marzo de 1980"),
        ("es", "4 mar 1980"),
        ("de", "1980-03-04"),
        ("de", "04.03.1980"),
        ("de", "4.3.1980"),
        ("de", "4. März 1980"),
        ("de", "4. Mar 1980"),
    ],
)
def test_day_that_can_be_read_in_one_way_is_read(language: str, typed: str) -> None:
    with translation.override(language):
        assert DayField().clean(typed) == MARCH


@pytest.mark.parametrize("typed", ["13/03/1980", "03/13/1980", "13.03.1980"])
def test_figures_that_mean_one_day_only_are_read(typed: str) -> None:
    with translation.override("en"):
        assert DayField().clean(typed) == date(1980, 3, 13)
        assert DayField().clean("05/05/1980") == date(1980, 5, 5)


@pytest.mark.parametrize(
    ("language", "typed"), [("en", "03/04/1980"), ("en", "04.03.1980"), ("en", "4-3-1980"), ("de", "03/04/1980")]
)
def test_day_that_can_be_one_of_two_is_asked_back(language: str, typed: str) -> None:
    with translation.override(language), pytest.raises(ValidationError) as refused:
        DayField().clean(typed)
    assert refused.value.code == "two_days"
    if language == "en":
        assert refused.value.messages == ["Is this 4 Mar 1980 or 3 Apr 1980? Write the month as a word."]


@pytest.mark.parametrize(
    "typed", ["04/03/80", "31 Feb 1980", "30/02/1980", "4 Foo 1980", "yesterday", "1980", "0000-01-01", "1" * 100_000]
)
def test_what_is_no_day_is_refused_with_an_example(typed: str) -> None:
    with translation.override("en"), pytest.raises(ValidationError) as refused:
        DayField().clean(typed)
    assert refused.value.messages == ["Enter the date like this: 4 Mar 1980 or 1980-03-04."]


def test_every_month_is_read_as_pages_write_it() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            for month in range(1, 13):
                written = date(1980, month, 14)
                assert DayField().clean(day(written)) == DayField().clean(long_day(written)) == written


@pytest.mark.django_db
def test_forms_ask_back(client: Client, ada: User, ines: Patient) -> None:
    client.force_login(ada)
    asked = "Is this 4 Mar 1980 or 3 Apr 1980?"
    fields = {"name": "Mara Novak", "birth_date": "03/04/1980", "record_number": "R-77"}
    assert asked in client.post("/patients/new/", fields).content.decode()
    assert (
        "Is this 6 May 2026 or 5 Jun 2026?"
        in client.post(f"/patients/{ines.pk}/visits/new/", {"date": "05/06/2026", "note": ""}).content.decode()
    )
    assert not Visit.objects.exists()
    client.post(f"/patients/{ines.pk}/visits/new/", {"date": "6 May 2026", "note": ""})
    assert Visit.objects.get().date == date(2026, 5, 6)
