"""Pairing a phone with a visit: a code that works once and expires, and nothing about the patient on the phone."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from patients.models import AccessLog, Consent, PhonePairing, Photo, User, Visit
from patients.models.access import object_name
from patients.models.phone_pairing import LASTS, OPENED_WITHIN
from patients.photos.phone_card import short_id
from tests.factories import make_patient, make_photo, make_prediction, make_visit, picture, upload

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> None:
    """Reset the rate limits between tests."""
    cache.clear()


@pytest.fixture
def phone() -> Client:
    """Return the browser of a phone on which no one has signed in."""
    return Client()


def offered(browser: Client, visit: Visit) -> str:
    """Return the path in the code that the visit shows."""
    page = browser.post(f"/visits/{visit.pk}/phone/", headers=HTMX)
    return str(page.context["phone"].address).removeprefix("http://testserver")


def connected(browser: Client, phone: Client, visit: Visit) -> PhonePairing:
    """Return the pairing of the visit, with the phone connected."""
    answer = phone.post(offered(browser, visit))
    assert answer.headers["Location"] == "/phone/"
    return PhonePairing.objects.get(closed_at=None)


def test_a_phone_adds_photos_without_signing_in(browser: Client, phone: Client, visit: Visit) -> None:
    phone_pairing = connected(browser, phone, visit)
    page = phone.get("/phone/").content.decode()
    assert "Visit of 20 November 2026" in page
    assert "Ines" not in page
    assert visit.patient.record_number not in page
    page = phone.post("/phone/", {"photos": [upload(), upload(b"no picture", "a.jpg")]}, follow=True).content.decode()
    assert "1 photo added." in page
    assert "Not added: This is not a JPEG" in page
    photo = Photo.objects.get()
    assert (photo.visit, photo.uploaded_by, photo.phone_pairing) == (visit, visit.created_by, phone_pairing)
    assert phone.get(f"/photos/{photo.pk}/image/").status_code == 302  # to sign-in: it gives, it does not show


def test_looking_at_the_address_does_not_spend_the_code(browser: Client, phone: Client, visit: Visit) -> None:
    code = offered(browser, visit)
    assert "Start" in phone.get(code).content.decode()
    assert "Start" in phone.get("/phone/never-given/").content.decode()  # nor does it tell whether there is one
    assert phone.post(code).status_code == 302


def test_a_code_works_once(browser: Client, phone: Client, visit: Visit) -> None:
    code = offered(browser, visit)
    assert phone.post(code).status_code == 302
    other = Client()
    refused = other.post(code)
    assert refused.status_code == 410
    assert "already used or has expired" in refused.content.decode()
    assert other.get("/phone/").status_code == 410


def test_neither_code_nor_key_is_stored(browser: Client, phone: Client, visit: Visit) -> None:
    code = offered(browser, visit)
    phone.post(code)
    key = phone.cookies["phone"].value
    stored = str(list(PhonePairing.objects.values()))
    assert code.split("/")[2] not in stored
    assert key not in stored
    cookie = phone.cookies["phone"]
    assert (cookie["httponly"], cookie["path"], cookie["samesite"]) == (True, "/phone/", "Lax")


def test_an_unused_code_expires(browser: Client, phone: Client, visit: Visit) -> None:
    code = offered(browser, visit)
    with time_machine.travel(timezone.now() + OPENED_WITHIN + timedelta(seconds=1)):
        assert phone.post(code).status_code == 410


def test_a_phone_has_its_minutes(browser: Client, phone: Client, visit: Visit) -> None:
    connected(browser, phone, visit)
    with time_machine.travel(timezone.now() + LASTS + timedelta(seconds=1)):
        over = phone.post("/phone/", {"photos": upload()}, headers=JSON).json()
        assert (over["code"], over["retry"]) == ("over", True)  # once a new code was scanned
    assert not Photo.objects.exists()


def test_a_new_code_ends_the_one_before(browser: Client, phone: Client, visit: Visit) -> None:
    first = offered(browser, visit)
    connected(browser, phone, visit)
    assert Client().post(first).status_code == 410
    offered(browser, make_visit(visit.patient))
    assert phone.get("/phone/").status_code == 410


@pytest.mark.parametrize("how", ["ended", "unassigned", "left", "done"])
def test_a_pairing_ends(browser: Client, phone: Client, visit: Visit, ada: User, how: str) -> None:
    phone_pairing = connected(browser, phone, visit)
    if how == "ended":
        browser.post(f"/phone-pairings/{phone_pairing.pk}/end/")
    elif how == "unassigned":
        visit.patient.assignments.all().delete()
    elif how == "left":
        User.objects.update(is_active=False)
    else:
        assert phone.post("/phone/done/").headers["Location"] == "/phone/over/"
        phone.cookies["phone"] = "kept all the same"
    assert phone.get("/phone/").status_code == 410
    assert phone.post("/phone/", {"photos": upload()}).status_code == 410
    assert not Photo.objects.exists()


@pytest.mark.parametrize("how", ["done", "ended", "late"])
def test_the_last_page_says_how_many_photos_came(browser: Client, phone: Client, visit: Visit, how: str) -> None:
    phone_pairing = connected(browser, phone, visit)
    assert phone.cookies["phone"]["max-age"] > LASTS.total_seconds()  # or the phone has forgotten its key when it is late
    phone.post("/phone/", {"photos": upload()})
    if how == "ended":
        browser.post(f"/phone-pairings/{phone_pairing.pk}/end/")
    elif how == "late":
        PhonePairing.objects.update(expires_at=timezone.now())
    assert "1 photo received." in phone.post("/phone/done/", follow=True).content.decode()
    assert "received." not in Client().post("/phone/done/", follow=True).content.decode()


def test_a_script_sends_one_and_learns_why_one_was_refused(browser: Client, phone: Client, visit: Visit) -> None:
    connected(browser, phone, visit)
    assert phone.post("/phone/", {"photos": upload()}, headers=JSON).json() == {"sent": 1}
    refused = phone.post("/phone/", {"photos": upload()}, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_in_visit")
    assert phone.post("/phone/", {"photos": [upload(), upload()]}, headers=JSON).status_code == 400


def test_the_day_of_another_visit_is_not_told(browser: Client, phone: Client, visit: Visit) -> None:
    browser.post(f"/visits/{make_visit(visit.patient).pk}/photos/", {"photos": upload()}, headers=JSON)
    connected(browser, phone, visit)
    refused = phone.post("/phone/", {"photos": upload()}, headers=JSON).json()
    assert refused["code"] == "duplicate_in_patient"
    assert "2026" not in refused["message"]
    assert phone.post("/phone/", {"photos": upload(), "keep_duplicate": "1"}, headers=JSON).status_code == 201


def test_other_patient_with_the_same_photo_is_not_named(browser: Client, phone: Client, ada: User, visit: Visit) -> None:
    other = make_visit(make_patient(ada, name="Omar Haddad"))
    browser.post(f"/visits/{other.pk}/photos/", {"photos": upload()}, headers=JSON)
    connected(browser, phone, visit)
    refused = phone.post("/phone/", {"photos": upload()}, headers=JSON).json()
    assert refused["code"] == "duplicate_in_other_patient"
    assert refused["message"].startswith("This photo is also in another patient’s visit. Is this the right patient?")
    assert "Omar" not in phone.post("/phone/", {"photos": upload()}, follow=True).content.decode()
    assert phone.post("/phone/", {"photos": upload(), "keep_duplicate": "1"}, headers=JSON).status_code == 201


def test_photos_appear_on_the_visit_as_they_come(browser: Client, phone: Client, visit: Visit) -> None:
    phone_pairing = connected(browser, phone, visit)
    assert "A phone is connected" in browser.get(f"/visits/{visit.pk}/").content.decode()
    phone.post("/phone/", {"photos": upload()}, headers=JSON)
    phone.post("/phone/", {"photos": upload(picture(colour="maroon"))}, headers=JSON)
    first, second = Photo.objects.order_by("uploaded_at")
    answer = browser.get(
        f"/phone-pairings/{phone_pairing.pk}/", {"seen": short_id(second)}, headers=HTMX
    )  # the later one was there first
    text = " ".join(answer.content.decode().split())
    assert f'id="photo-{first.pk}"' in text
    assert f'id="photo-{second.pk}"' not in text
    assert "2 photos received." in text
    assert "photos-changed" in answer.headers["HX-Trigger"]
    both = f"{short_id(first)},{short_id(second)}"
    nothing_new = browser.get(f"/phone-pairings/{phone_pairing.pk}/", {"seen": both, "state": "open"}, headers=HTMX)
    assert (nothing_new.status_code, nothing_new.content) == (204, b"")
    phone_pairing.close()
    over = browser.get(f"/phone-pairings/{phone_pairing.pk}/", {"seen": both, "state": "open"}, headers=HTMX).content.decode()
    assert "The phone has finished." in over
    assert "hx-get" in over  # a photo may be on its way
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        later = browser.get(f"/phone-pairings/{phone_pairing.pk}/", {"seen": both, "state": "over"}, headers=HTMX).content.decode()
    assert "hx-get" not in later


def test_a_photo_that_comes_late_appears_beside_a_new_code(browser: Client, phone: Client, visit: Visit) -> None:
    connected(browser, phone, visit)
    phone.post("/phone/", {"photos": upload()}, headers=JSON)
    first = Photo.objects.get()
    page = browser.post(f"/visits/{visit.pk}/phone/", {"seen": short_id(first)}, headers=HTMX)
    new = page.context["phone"]
    assert (new.seen, new.came) == ((short_id(first),), 0)
    late = make_photo(visit, phone_pairing=first.phone_pairing)  # it was being opened
    answer = browser.get(f"/phone-pairings/{new.phone_pairing.pk}/", {"seen": short_id(first), "state": "waiting"}, headers=HTMX)
    text = answer.content.decode()
    assert f'id="photo-{late.pk}"' in text
    assert f'id="photo-{first.pk}"' not in text
    assert "received." not in text  # none from the new one
    assert browser.post(f"/visits/{visit.pk}/phone/", headers=HTMX).context["phone"].seen  # whatever the page does not tell


def test_without_a_script_the_code_stands_on_a_page_of_its_own(browser: Client, visit: Visit) -> None:
    page = browser.post(f"/visits/{visit.pk}/phone/")
    assert "QR code" in page.content.decode()
    assert page.context["phone"].address in page.content.decode()
    assert "QR code" not in browser.get(f"/visits/{visit.pk}/").content.decode()  # shown once


def test_without_consent_there_is_no_code(browser: Client, visit: Visit) -> None:
    Consent.objects.all().delete()
    page = browser.post(f"/visits/{visit.pk}/phone/", follow=True)
    assert "Record the patient’s consent to care first." in page.content.decode()
    assert not PhonePairing.objects.exists()


def test_codes_and_attempts_are_limited(browser: Client, phone: Client, visit: Visit) -> None:
    for _ in range(10):
        browser.post(f"/visits/{visit.pk}/phone/", headers=HTMX)
    refused = browser.post(f"/visits/{visit.pk}/phone/", headers=HTMX)
    assert refused.headers["HX-Redirect"] == f"/visits/{visit.pk}/"
    assert PhonePairing.objects.count() == 10
    answers = [phone.post(f"/phone/guess-{number}/").status_code for number in range(21)]
    assert answers == [410] * 20 + [429]


def test_a_phone_that_keeps_sending_is_told_to_wait(browser: Client, phone: Client, visit: Visit) -> None:
    connected(browser, phone, visit)
    answers = [phone.post("/phone/", {"photos": upload(b"x")}, headers=JSON).json()["code"] for _ in range(61)]
    assert answers == ["unsupported_format"] * 60 + ["busy"]


def test_every_step_is_logged(browser: Client, phone: Client, visit: Visit) -> None:
    phone_pairing = connected(browser, phone, visit)
    phone.post("/phone/", {"photos": upload()}, headers=JSON)
    name = object_name(visit.patient_id, phone_pairing.pk)
    entries = AccessLog.objects.filter(detail__phone_pairing=name).order_by("sequence")
    assert [(entry.action, entry.actor_id, entry.detail.get("phone")) for entry in entries] == [
        ("permission", visit.created_by.pk, "offered"),
        ("permission", visit.created_by.pk, "connected"),
        ("upload", visit.created_by.pk, None),
    ]


def test_no_one_else_sees_or_ends_a_pairing(browser: Client, strange: Client, phone: Client, visit: Visit, bo: User) -> None:
    phone_pairing = connected(browser, phone, visit)
    for ask, path in ((strange.get, ""), (strange.post, "end/")):
        assert ask(f"/phone-pairings/{phone_pairing.pk}/{path}").status_code == 404
    visit.patient.assign(bo)  # a colleague sees the visit, but not another clinician's phone
    assert strange.get(f"/phone-pairings/{phone_pairing.pk}/").status_code == 404
    assert strange.post(f"/visits/{make_visit(visit.patient).pk}/phone/").status_code == 200


def test_a_photo_that_was_moved_away_does_not_come_back(browser: Client, phone: Client, visit: Visit) -> None:
    phone_pairing = connected(browser, phone, visit)
    photo = make_photo(make_visit(visit.patient), phone_pairing=phone_pairing)
    make_prediction(photo)
    assert f"photo-{photo.pk}" not in browser.get(f"/phone-pairings/{phone_pairing.pk}/", headers=HTMX).content.decode()
