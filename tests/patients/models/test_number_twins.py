"""Patients whose record numbers turn out to be one and the same: everyone stays, is found, and can be told apart."""

import importlib
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from encryption.fields import Sealed, sealed_values
from encryption.keys import first_hash, stored_hash
from encryption.legacy import fernet
from patients.models import ErasureRequest, Patient, User
from patients.models.identifiers import canonical_number
from patients.models.number_twins import rehash, twins
from tests.factories import make_clinician, make_patient, prove

pytestmark = pytest.mark.django_db


def hash_then(number: str) -> str:
    """Return the hash as it was before record numbers had a key of their own."""
    return first_hash(canonical_number(number).encode())


def with_former_hash(patient: Patient, number: str) -> Patient:
    """Return the patient as earlier versions stored them: spaces away, in capitals, and no more."""
    hashed = stored_hash("record numbers", "".join(number.split()).upper().encode())
    Patient.objects.filter(pk=patient.pk).update(**sealed_values(patient, record_number=number), record_number_hash=hashed)
    return Patient.objects.get(pk=patient.pk)


@pytest.fixture
def former(ada: User) -> list[Patient]:
    """Return three patients with one number in three spellings, and one with another."""
    numbers = ["R-77", "R–77", "Ｒ-７\u200b7", "12 34"]
    return [with_former_hash(make_patient(ada, name=f"Vic Roe {at}"), number) for at, number in enumerate(numbers)]


def test_migration_keeps_everyone_and_finds_all_by_the_number(former: list[Patient]) -> None:
    state = MigrationLoader(connection).project_state(("patients", "0090_record_number_twins"))
    model = state.apps.get_model("patients", "Patient")
    for patient in former:  # as it was stored then
        number = Sealed(fernet().encrypt(patient.record_number.encode()).decode())
        hashed = first_hash("".join(patient.record_number.split()).upper().encode())
        model.objects.filter(pk=patient.pk).update(record_number=number, record_number_hash=hashed)
    assert rehash(model, hash_then) == 3  # digits alone are hashed as before
    assert rehash(model, hash_then) == 0
    for patient in former:  # the migrations that came later
        Patient.objects.filter(pk=patient.pk).update(**sealed_values(patient, record_number=patient.record_number))
    again = importlib.import_module("patients.migrations.0114_a_key_for_each_hash")
    again.hash_again(apps, None)
    assert [patient.pk for patient in Patient.objects.with_record_number("r‐77").order_by("record_number_twin")] == [
        patient.pk for patient in former[:3]
    ]
    assert twins() == [former[:3]]
    assert Patient.objects.with_record_number("1234").get() == former[3]
    assert rehash() == 0
    again.hash_as_before(apps, None)
    assert [each.record_number_hash for each in Patient.objects.order_by("created_at")] == [
        hash_then(each.record_number) for each in former
    ]


def test_former_hash_of_one_patient_that_becomes_that_of_another_is_no_conflict(ada: User) -> None:
    older = with_former_hash(make_patient(ada), "12\u200b34")
    newer = with_former_hash(make_patient(ada), "1234")
    assert rehash() == 1
    assert twins() == [[newer, older]]


def test_twins_can_be_edited_and_one_gets_a_number_of_its_own(client: Client, ada: User, former: list[Patient]) -> None:
    rehash()
    client.force_login(ada)
    page = f"/patients/{former[1].pk}/edit/"
    fields = {"name": "Vic Roe", "birth_date": "1991-02-14", "record_number": "R–77"}
    assert client.post(page, fields).status_code == 302
    assert client.post(page, fields | {"record_number": "R-78"}).status_code == 302
    assert [len(patients) for patients in twins()] == [2]
    assert "already" in client.post(page, fields | {"record_number": "r-77"}).content.decode()


def test_twin_is_erased_by_its_own_number(client: Client, ada: User, former: list[Patient]) -> None:
    rehash()
    User.objects.filter(pk=ada.pk).update(may_erase=True)
    client.force_login(ada)
    prove(client)
    answer = client.post(f"/patients/{former[1].pk}/erase/", {"level": "all", "record_number": "R-77"})
    assert answer.status_code == 302
    assert ErasureRequest.objects.get().patient == former[1]


def test_command_and_health_page_tell_of_twins(client: Client, former: list[Patient]) -> None:
    out = StringIO()
    call_command("record_number_twins", stdout=out)
    assert (
        out.getvalue() == "  ".join(str(patient.pk) for patient in former[:3]) + "\n1 record number belongs to several patients.\n"
    )
    client.force_login(make_clinician("Kim Roe", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    assert client.get("/health/").context["health"].number_twins == 2


def test_database_refuses_a_second_patient_with_the_number(ada: User) -> None:
    number = make_patient(ada).record_number
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.create(name="Vic Roe", record_number=number.replace("-", "−"), birth_date="1990-01-01")
