"""Uploading photos to a visit."""

import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.test import Client

from patients.models import AccessLog, Photo, User, Visit
from patients.photos import decoding
from patients.photos.receive import receive_photo
from tests.factories import make_patient, make_visit, picture, upload

JSON = {"Accept": "application/json"}


@pytest.fixture
def address(visit: Visit) -> str:
    """Return where photos of the visit are sent."""
    return f"/visits/{visit.pk}/photos/"


def test_a_plain_form_sends_many_and_one_refused_file_hinders_none(browser: Client, address: str, visit: Visit) -> None:
    files = [upload(), upload(b"not a picture", "notes.jpg"), upload(picture(colour="maroon"), "IMG_2.jpg")]
    page = browser.post(address, {"photos": files}, follow=True)
    text = page.content.decode()
    assert page.redirect_chain == [(f"/visits/{visit.pk}/", 302)]
    assert visit.photos.count() == 2
    assert "2 photos added." in text
    assert "Not added: notes.jpg. This is not a JPEG, PNG, WebP, HEIC or AVIF picture." in text


def test_name_of_a_refused_file_is_in_no_cookie_and_unreadable_in_the_session(browser: Client, address: str) -> None:
    browser.post(address, {"photos": upload(b"not a picture", "ines-moreau.jpg")})
    assert set(browser.cookies) <= {"session", "csrf"}
    assert "ines-moreau" not in str(browser.cookies)
    assert browser.session["_messages"]
    assert "ines-moreau" not in str(dict(browser.session.items()))
    shown = browser.get(address.removesuffix("photos/")).content.decode()
    assert "Not added: ines-moreau.jpg" in shown
    assert "_messages" not in browser.session


def test_a_notice_whose_key_is_gone_is_no_fault(browser: Client, address: str, settings: LazySettings) -> None:
    browser.post(address, {"photos": upload(b"not a picture")})
    settings.FIELD_KEYS, settings.FIELD_KEYS_FILE = [Fernet.generate_key().decode()], None
    assert "Not added" not in browser.get("/settings/").content.decode()


def test_a_form_without_files_says_so(browser: Client, address: str) -> None:
    assert "Choose at least one photo first." in browser.post(address, follow=True).content.decode()


def test_a_script_gets_the_card_of_its_photo(browser: Client, address: str) -> None:
    answer = browser.post(address, {"photos": upload()}, headers=JSON)
    photo = Photo.objects.get()
    assert answer.status_code == 201
    assert answer.json()["photo"] == str(photo.pk)
    assert f'hx-get="/photos/{photo.pk}/card/?state=waiting"' in answer.json()["card"]


def test_a_script_learns_why_a_file_was_refused(browser: Client, address: str) -> None:
    answer = browser.post(address, {"photos": upload(b"not a picture")}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json() == {
        "code": "unsupported_format",
        "message": "This is not a JPEG, PNG, WebP, HEIC or AVIF picture. Export it as JPEG.",
        "retry": False,
    }


def test_the_same_file_is_in_a_visit_once(browser: Client, address: str) -> None:
    browser.post(address, {"photos": upload()}, headers=JSON)
    answer = browser.post(address, {"photos": upload()}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_in_visit")
    assert Photo.objects.count() == 1


def test_a_file_of_another_visit_is_kept_only_when_asked(browser: Client, address: str, visit: Visit) -> None:
    browser.post(address, {"photos": upload()}, headers=JSON)
    other = f"/visits/{make_visit(visit.patient).pk}/photos/"
    answer = browser.post(other, {"photos": upload()}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_in_patient")
    answer = browser.post(other, {"photos": upload(), "keep_duplicate": "1"}, headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize("is_seen", [True, False])
def test_file_of_another_patient_is_asked_back_and_names_only_whom_one_sees(
    browser: Client, address: str, ada: User, bo: User, is_seen: bool
) -> None:
    other = make_visit(make_patient(ada if is_seen else bo, name="Omar Haddad"))
    receive_photo(other, upload(), other.created_by)
    answer = browser.post(address, {"photos": upload()}, headers=JSON)
    assert answer.status_code == 409
    where = "in the visit of Omar Haddad on 20 Nov 2026" if is_seen else "in another patient’s visit"
    assert answer.json() == {
        "code": "duplicate_in_other_patient",
        "message": f"This photo is also {where}. Is this the right patient? Keep it here as well, or skip it.",
        "retry": False,
    }
    entries = [(entry.action, entry.actor) for entry in AccessLog.objects.about(other.patient)[:1]]
    assert entries == [("list", ada) if is_seen else ("upload", bo)]  # whom the answer named
    page = browser.post(address, {"photos": upload()}, follow=True).content.decode()
    assert f"This photo is also {where}." in page
    assert ("Omar" in page) is is_seen
    answer = browser.post(address, {"photos": upload(), "keep_duplicate": "1"}, headers=JSON)
    assert (answer.status_code, Photo.objects.count()) == (201, 2)


def test_a_photo_that_cannot_be_stored_is_a_refusal_at_both_doors(
    browser: Client, address: str, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "no folder"
    settings.MEDIA_ROOT.write_text("a file in its place")
    answer = browser.post(address, {"photos": upload()}, headers=JSON)
    assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (503, "not_stored", True)
    page = browser.post(address, {"photos": upload()}, follow=True).content.decode()
    assert "The photo could not be stored" in page
    assert not Photo.objects.exists()


def test_a_script_sends_one_photo_at_a_time(browser: Client, address: str) -> None:
    answer = browser.post(address, {"photos": [upload(), upload(picture(colour="maroon"))]}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "one_file")
    assert not Photo.objects.exists()


def test_a_plain_form_names_all_that_a_full_visit_cannot_hold_at_once(
    browser: Client, visit: Visit, sent: list[str], settings: LazySettings
) -> None:
    settings.PHOTOS_PER_VISIT = 2
    files = [upload(picture(colour=colour), f"{colour}.jpg") for colour in ("red", "teal", "blue", "green")]
    page = browser.post(f"/visits/{visit.pk}/photos/", {"photos": files}, follow=True).content.decode()
    assert "2 photos added." in page
    assert "Not added: blue.jpg, green.jpg. This visit is full: it has 2 photos." in page


def test_a_script_that_meets_a_busy_server_is_told_when_to_send_again(
    browser: Client, address: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_threads", threading.BoundedSemaphore(1))
    with decoding._threads:
        answer = browser.post(address, {"photos": upload()}, headers=JSON)
        page = browser.post(address, {"photos": upload()}, follow=True)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "busy", "2")
    assert "Not added: IMG_0001.jpg. Too many photos are arriving at once. Try this one again in a moment." in page.content.decode()
    assert not visit.photos.exists()
    assert "Retry-After" not in browser.post(address, {"photos": upload(b"not a picture")}, headers=JSON)
