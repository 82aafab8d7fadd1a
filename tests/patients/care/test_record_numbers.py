"""Record numbers of other clinicians' patients: a clash is reported, but trying many numbers is stopped."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, Patient, User
from tests.factories import make_patient

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Mara Novak", "birth_date": "1980-05-04"}
TAKEN = "A patient with this record number already exists."
TOO_MANY = "Too many record numbers of other patients were"


@pytest.fixture
def foreign(bo: User) -> list[Patient]:
    """Return ten patients of Dr Bo."""
    return [make_patient(bo, name=f"Vic Roe {number}") for number in range(10)]


def tries(patients: list[Patient]) -> list[list[str]]:
    """Return the entries of each patient."""
    return [[entry.action for entry in AccessLog.objects.about(patient)] for patient in patients]


@pytest.mark.parametrize("page", ["new", "edit"])
def test_trying_numbers_in_a_form_is_slowed_down_and_logged(
    client: Client, ada: User, ines: Patient, foreign: list[Patient], page: str
) -> None:
    client.force_login(ada)
    path = "/patients/new/" if page == "new" else f"/patients/{ines.pk}/edit/"
    for patient in foreign:
        assert TAKEN in client.post(path, FIELDS | {"record_number": patient.record_number}).content.decode()
    assert tries(foreign) == [["try_number"]] * 10
    for number in (foreign[0].record_number, "R-FREE"):
        assert TOO_MANY in client.post(path, FIELDS | {"record_number": number}).content.decode()
    assert Patient.objects.count() == 11


@pytest.mark.parametrize("method", ["post", "patch"])
def test_trying_numbers_by_a_program_is_slowed_down_and_logged(
    ada: User, ines: Patient, foreign: list[Patient], method: str
) -> None:
    api = APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"})
    send, path = getattr(api, method), "/api/v1/patients/" if method == "post" else f"/api/v1/patients/{ines.pk}/"
    for patient in foreign:
        assert send(path, FIELDS | {"record_number": patient.record_number}).status_code == 400
    assert tries(foreign) == [["try_number"]] * 10
    for number in (foreign[0].record_number, "R-FREE"):
        answer = send(path, FIELDS | {"record_number": number})
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")


def test_numbers_of_one_s_own_patients_are_no_tries(client: Client, ada: User, ines: Patient) -> None:
    client.force_login(ada)
    for _ in range(12):
        page = client.post("/patients/new/", FIELDS | {"record_number": ines.record_number}).content.decode()
    assert TAKEN in page
    assert tries([ines]) == [[]]


def test_change_by_a_program_and_its_entry_are_stored_together(ada: User, ines: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    api = APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"}, raise_request_exception=False)
    assert api.patch(f"/api/v1/patients/{ines.pk}/", {"name": "Ines Lind"}).status_code == 200
    assert tries([ines]) == [["edit"]]
    monkeypatch.setattr("patients.api.patients.record_access", lambda *args: 1 / 0)
    assert api.patch(f"/api/v1/patients/{ines.pk}/", {"name": "Ines Two"}).status_code == 500
    ines.refresh_from_db()
    assert ines.name == "Ines Lind"
