"""Requests that our pages never make: endless numbers, redirects to other sites. None causes a fault or leaves the site."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from patients.consent.consent import consent_text_fingerprint
from patients.models import OwnLabel, Patient, Photo, User, Visit
from patients.models.patient import PatientQuerySet
from tests.factories import make_clinician, make_patient, make_photo, make_prediction, prove

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, ada: User) -> Client:
    """Return the browser of Dr Ada."""
    client.force_login(ada)
    return client


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo of Ines that was read."""
    photo = make_photo(visit)
    make_prediction(photo)
    return photo


@pytest.mark.parametrize(
    "way_back",
    ["0", "home", "account_logout", "https://other.example/", "//other.example/", "/\\other.example/", "javascript:alert(1)", ""],
)
def test_way_back_leads_to_a_page_of_ours(browser: Client, visit: Visit, way_back: str) -> None:
    answer = browser.post(f"/visits/{visit.pk}/note/", {"note": "Slept badly", "next": way_back})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/visits/{visit.pk}/")


def test_way_back_is_the_page_that_asked(browser: Client, visit: Visit) -> None:
    here = f"/visits/{visit.pk}/?show=used"
    assert browser.post(f"/visits/{visit.pk}/note/", {"note": "", "next": here}).headers["Location"] == here


def ways_back(page: str) -> set[str]:
    """Return the addresses that the plain forms of the page redirect to."""
    return set(re.findall(r'name="next"\s+value="([^"]*)"', page))


FACE = {"box": {"left": 8, "top": 6, "width": 24, "height": 30}, "detector_score": 0.9, "roll_degrees": 0.0}
LATE = {"note": "Eats well.", "initial-note": "of older words"}


@pytest.mark.parametrize(("state", "faces"), [("done", 1), ("done", 2), ("choose_face", 2), ("no_face", 0), ("excluded", 1)])
def test_forms_of_a_page_that_answers_a_late_note_lead_to_the_photo(browser: Client, visit: Visit, state: str, faces: int) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state="done" if state == "excluded" else state, faces=[FACE] * faces)
    if state == "excluded":
        photo.exclude("Speaking.")
    page = browser.post(f"/photos/{photo.pk}/note/", LATE).content.decode()
    assert ways_back(page) == {f"/photos/{photo.pk}/"}


def test_pages_at_addresses_that_only_take_forms_lead_to_pages(browser: Client, visit: Visit) -> None:
    visit.patient.consents.all().delete()
    to_come = {"given_on": "2199-01-01", "method": "signed", "words": consent_text_fingerprint("care")}
    page = browser.post(f"/patients/{visit.patient_id}/consent/care/", to_come)
    assert ways_back(page.content.decode()) == {f"/patients/{visit.patient_id}/consent/"}
    page = browser.post(f"/visits/{visit.pk}/note/", LATE)
    assert ways_back(page.content.decode()) == {f"/visits/{visit.pk}/"}


def test_page_that_shows_a_code_leads_to_the_visit(browser: Client, visit: Visit) -> None:
    page = browser.post(f"/visits/{visit.pk}/phone/")
    assert ways_back(page.content.decode()) == {f"/visits/{visit.pk}/"}


def test_page_that_shows_an_invitation_leads_to_the_person(client: Client, ada: User) -> None:
    admin = make_clinician("Kim Admin", "kim@clinic.test", role=User.Role.ADMINISTRATOR)
    ada.set_unusable_password()
    ada.save()
    client.force_login(admin)
    prove(client)
    page = client.post(f"/people/{ada.pk}/invitation/")
    assert ways_back(page.content.decode()) == {f"/people/{ada.pk}/"}


@pytest.mark.parametrize("face", ["9" * 5000, "-1", "0x0", "\u00b2", "1"])
def test_face_that_is_not_there_is_refused(browser: Client, photo: Photo, sent: list[str], face: str) -> None:
    assert browser.post(f"/photos/{photo.pk}/choose-face/", {"face": face}).status_code == 302
    assert sent == []


@pytest.mark.parametrize("number", [str(2**63), "9" * 30, "9" * 5000, "-1", "x"])
def test_portion_of_a_list_takes_any_number(browser: Client, visit: Visit, number: str) -> None:
    for path in ("/api/v1/patients/", f"/api/v1/patients/{visit.patient_id}/visits/", f"/api/v1/visits/{visit.pk}/photos/"):
        for name in ("limit", "offset"):
            assert browser.get(path, {name: number}).status_code == 200


TWIN = {"name": "Omar Haddad", "birth_date": "1980-01-01"}


def test_record_number_that_two_give_at_once_is_given_once(browser: Client, ada: User, ines: Patient) -> None:
    other = make_patient(ada, name="Omar Haddad")
    fields = TWIN | {"record_number": ines.record_number}
    with patch.object(PatientQuerySet, "with_record_number", lambda rows, number: rows.none()):
        for path in ("/patients/new/", f"/patients/{other.pk}/edit/"):
            page = browser.post(path, fields)
            assert (page.status_code, "already exists" in page.content.decode()) == (200, True)
        for send, path in ((browser.post, "/api/v1/patients/"), (browser.patch, f"/api/v1/patients/{other.pk}/")):
            answer = send(path, fields, "application/json")
            assert (answer.status_code, list(answer.json()["fields"])) == (400, ["record_number"])
    assert Patient.objects.count() == 2


def test_label_that_is_given_twice_at_once_is_kept_once(browser: Client, ada: User, photo: Photo) -> None:
    OwnLabel.objects.create(photo=photo, clinician=ada, label="happy")
    with patch.object(OwnLabel.objects, "filter", lambda **named: OwnLabel.objects.none()):
        assert browser.post(f"/photos/{photo.pk}/label/", {"label": "sad"}).status_code == 302
    assert OwnLabel.objects.get().label == "happy"


@pytest.mark.parametrize(("path", "name"), [("/api/v1/patients/", "birth_date"), ("/api/v1/patients/{}/visits/", "date")])
def test_program_gives_no_day_that_is_to_come(browser: Client, ines: Patient, path: str, name: str) -> None:
    tomorrow = timezone.localdate() + timedelta(days=2)
    answer = browser.post(path.format(ines.pk), TWIN | {"record_number": "R-9", name: tomorrow.isoformat()}, "application/json")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [name])


@pytest.mark.parametrize(
    "path", ["/api/v1/docs/", "/api/v1/schema/", "/api/v1/me/", "/api/v1/patients/", "/accounts/login/", "/healthz"]
)
def test_options_of_no_address_is_an_error_of_ours(path: str, ada: User) -> None:
    stranger, signed_in = Client(), Client()
    signed_in.force_login(ada)
    assert {client.options(path).status_code for client in (stranger, signed_in)} <= {200, 302, 401, 403, 405}
