"""The record in French and Spanish: words, dates and numbers as their readers write them."""

import pytest
from django.test import Client

from patients.models import Patient, User
from tests.factories import make_read_visits
from tests.patients.views.test_german import words_of


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", ["2 février 2026", "0,60", "Plage habituelle"]),
        ("es", ["2 de febrero de 2026", "0,60", "Intervalo habitual"]),
    ],
)
def test_record_is_in_the_language_of_the_reader(
    client: Client, ada: User, ines: Patient, language: str, expected: list[str]
) -> None:
    ada.language = language
    ada.save(update_fields=["language"])
    client.force_login(ada)
    make_read_visits(ines, 5)
    text = words_of(client, f"/patients/{ines.pk}/")
    assert [words for words in expected if words.lower() not in text.lower()] == []
