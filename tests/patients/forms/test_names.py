"""Names and record numbers as they are typed: refused with a clear sentence, or kept as they are."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from patients.models import AccessLog, Patient, User
from tests.factories import make_clinician, make_patient, prove

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Mara Novak", "birth_date": "1980-05-04", "record_number": "R-77"}


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the browser of Dr Ada, signed in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.mark.parametrize("twin", ["R-7\u200b7", "\ufeffR-77", "R-7\u00ad7", "R–77", "Ｒ－７７", "r- 77", "R−٧٧"])
def test_number_in_another_spelling_is_taken(browser: Client, api: APIClient, ada: User, twin: str) -> None:
    first = make_patient(ada)
    first.record_number = "R-77"
    first.save()
    page = browser.post("/patients/new/", FIELDS | {"record_number": twin}).content.decode()
    assert "A patient with this record number already exists." in page
    answer = api.post("/api/v1/patients/", FIELDS | {"record_number": twin})
    assert answer.json()["fields"] == {
        "record_number": ["A patient with this record number already exists. Ask to be assigned, or check the number."]
    }
    assert Patient.objects.count() == 1


def test_number_is_kept_as_typed_and_found_in_every_spelling(browser: Client) -> None:
    browser.post("/patients/new/", FIELDS | {"record_number": "\ufeff R–77/2 \u200b"})
    assert Patient.objects.get().record_number == "R–77/2"
    rows = browser.get("/patients/", {"q": "r-７７"}).context["others"]
    assert [row.patient.name for row in rows] == ["Mara Novak"]


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff\u00ad", "\u3164", "---", "\u202e\u202c"])
def test_number_that_cannot_be_seen_is_refused(browser: Client, api: APIClient, nothing: str) -> None:
    page = browser.post("/patients/new/", FIELDS | {"record_number": nothing}).content.decode()
    assert "A record number needs at least one letter or digit." in page
    answer = api.post("/api/v1/patients/", FIELDS | {"record_number": nothing})
    assert answer.json()["fields"] == {"record_number": ["A record number needs at least one letter or digit."]}


@pytest.mark.parametrize("nothing", ["\u200b", "\u202e", "...", "\ufe0f"])
def test_name_that_cannot_be_seen_is_refused(browser: Client, api: APIClient, nothing: str) -> None:
    assert "A name needs at least one letter." in browser.post("/patients/new/", FIELDS | {"name": nothing}).content.decode()
    assert api.post("/api/v1/patients/", FIELDS | {"name": nothing}).json()["fields"] == {
        "name": ["A name needs at least one letter."]
    }


def test_name_that_turns_the_writing_is_kept_without_the_mark(browser: Client) -> None:
    browser.post("/patients/new/", FIELDS | {"name": "Mara \u202ekavoN\u202c علی\u200cرضا"})
    assert Patient.objects.get().name == "Mara kavoN علی\u200cرضا"


def test_very_long_name_is_refused_with_the_limit(browser: Client) -> None:
    assert "at most 200 characters (it has 201)" in browser.post("/patients/new/", FIELDS | {"name": "x" * 201}).content.decode()
    assert browser.post("/patients/new/", FIELDS | {"name": "x" * 200}).status_code == 302


def test_emergency_access_finds_the_number_in_another_spelling(browser: Client, bo: User) -> None:
    patient = make_patient(bo)
    browser.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    fields = {
        "record_number": patient.record_number.replace("-", "−"),
        "birth_date": "1991-02-14",
        "reason": "Found unconscious at home",
    }
    assert browser.post("/emergency/", fields).headers["Location"] == f"/patients/{patient.pk}/"
    assert AccessLog.objects.about(patient).filter(action="break_glass").exists()


def test_program_finds_patients_by_words(api: APIClient, ada: User, bo: User) -> None:
    make_patient(ada, name="Łukasz O’Brien")
    make_patient(ada, name="Ines Aalto")
    make_patient(bo, name="Lukasz Obrien")
    found = api.get("/api/v1/patients/", {"q": "o'brien lukasz"}).json()["results"]
    assert [each["name"] for each in found] == ["Łukasz O’Brien"]
    assert api.get("/api/v1/patients/", {"q": "stranger"}).json()["results"] == []


def test_colleague_with_the_same_address_in_another_spelling_is_refused(client: Client, ada: User) -> None:
    client.force_login(make_clinician("Kim Roe", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    prove(client)
    fields = {"email": "ada@ｃlinic\u200b.test", "display_name": "Ada", "role": "clinician"}
    assert "already signs in with this address" in client.post("/people/invite/", fields).content.decode()


def test_people_are_listed_as_one_looks_them_up(client: Client, ada: User) -> None:
    client.force_login(make_clinician("Zoe", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    for at, name in enumerate(["élodie", "Émile", "Łuk", "Zed"]):
        User.objects.create_user(f"{at}@clinic.test", display_name=name)
    people = client.get("/people/").context["people"]
    assert [person.display_name for person in people] == ["Dr Ada Lind", "élodie", "Émile", "Łuk", "Zed", "Zoe"]
