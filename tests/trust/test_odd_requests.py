"""Requests that no page of ours makes: numbers without end, ways back that lead elsewhere. Never a fault, never away from here."""

import pytest
from django.test import Client

from patients.models import Photo, User, Visit
from tests.factories import make_photo, make_prediction

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


@pytest.mark.parametrize("face", ["9" * 5000, "-1", "0x0", "\u00b2", "1"])
def test_face_that_is_not_there_is_refused(browser: Client, photo: Photo, sent: list[str], face: str) -> None:
    assert browser.post(f"/photos/{photo.pk}/choose-face/", {"face": face}).status_code == 302
    assert sent == []


@pytest.mark.parametrize("number", [str(2**63), "9" * 30, "9" * 5000, "-1", "x"])
def test_portion_of_a_list_takes_any_number(browser: Client, visit: Visit, number: str) -> None:
    for path in ("/api/patients/", f"/api/patients/{visit.patient_id}/visits/", f"/api/visits/{visit.pk}/photos/"):
        for name in ("limit", "offset"):
            assert browser.get(path, {name: number}).status_code == 200
