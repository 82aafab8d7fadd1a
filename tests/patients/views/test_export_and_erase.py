"""The patient's copy of all data, and erasure at their request."""

import io
import json
import zipfile
from urllib.parse import quote

import pytest
from django.test import Client

from patients.consent.erasure import carry_out_erasures
from patients.models import AccessLog, ErasureRequest, Patient, Photo, User, Visit
from tests.factories import make_photo, make_prediction, prove


@pytest.fixture
def eraser(browser: Client, ada: User) -> Client:
    """Return the browser of Dr Ada, who may have data erased and has just given the password again."""
    User.objects.filter(pk=ada.pk).update(may_erase=True)
    return prove(browser)


def test_copy_holds_everything_and_its_own_entry(browser: Client, visit: Visit) -> None:
    make_prediction(make_photo(visit))
    answer = browser.get(f"/patients/{visit.patient_id}/zip/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]  # not async
    assert json.loads(archive.read("record.json"))["name"] == "Ines Moreau"
    assert json.loads(archive.read("access.json"))[0]["action"] == "export"


def test_erasure_takes_the_right_and_the_record_number(eraser: Client, ines: Patient, ada: User) -> None:
    eraser.post(f"/patients/{ines.pk}/erase/", {"level": "all", "record_number": "R-0"})
    assert not ErasureRequest.objects.exists()
    User.objects.filter(pk=ada.pk).update(may_erase=False)
    wanted = {"level": "all", "record_number": ines.record_number}
    assert eraser.post(f"/patients/{ines.pk}/erase/", wanted).status_code == 403
    assert not ErasureRequest.objects.exists()


def test_erasure_takes_the_password_again(browser: Client, ines: Patient, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(may_erase=True)
    path = f"/patients/{ines.pk}/erase/"
    assert browser.get(path).headers["Location"] == f"/accounts/reauthenticate/?next={quote(path, safe='')}"
    assert browser.post(path, {"level": "all", "record_number": ines.record_number}).headers["Location"] == path
    assert ines.record_number not in str(browser.session.items())
    assert not ErasureRequest.objects.exists()
    assert not AccessLog.objects.exists()


def test_asked_for_it_is_carried_out(eraser: Client, visit: Visit) -> None:
    make_prediction(make_photo(visit))
    patient = visit.patient
    eraser.post(f"/patients/{patient.pk}/erase/", {"level": "all", "record_number": patient.record_number.lower()})
    carry_out_erasures()
    assert not Patient.objects.exists()
    assert not Photo.objects.exists()
    assert [entry.action for entry in AccessLog.objects.all()] == ["erase", "erased"]
