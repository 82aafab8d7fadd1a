"""Nobody sees, hears or changes anything of a patient who is not theirs, at any address."""

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from patients.models import Photo, Visit
from patients.urls import urlpatterns
from tests.factories import make_photo, make_prediction

POSTS = {
    "add_photo",
    "delete_event",
    "give_consent",
    "read_again",
    "save_self_report",
    "withdraw_consent",
    "choose_face",
    "delete_photo",
    "dismiss_photo",
    "exclude_photo",
    "end_hand_off",
    "explain_photo",
    "include_photo",
    "keep_dates",
    "offer_to_phone",
    "retry_photo",
    "save_label",
    "save_note",
    "save_photo_note",
}


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo of Ines that was read."""
    photo = make_photo(visit)
    make_prediction(photo, explanation_png=b"map", explanation_drop=0.1)
    return photo


def address(route: URLPattern, photo: Photo) -> str:
    """Return the address of the photo, its visit or its patient at this route."""
    known: dict[str, object] = {"photo_id": photo.pk, "visit_id": photo.visit_id, "patient_id": photo.visit.patient_id}
    known |= {"face": 0, "purpose": "care", "event_id": photo.pk, "hand_off_id": photo.pk}
    return reverse(f"patients:{route.name}", kwargs={name: known[name] for name in route.pattern.converters})


OF_A_PATIENT = [route for route in urlpatterns if set(route.pattern.converters) & {"patient_id", "visit_id", "photo_id"}]


@pytest.mark.parametrize("route", OF_A_PATIENT, ids=lambda route: route.name)
def test_a_stranger_finds_nothing(strange: Client, photo: Photo, route: URLPattern) -> None:
    for ask in (strange.get, strange.post):
        assert ask(address(route, photo)).status_code in {404, 405}
    photo.refresh_from_db()
    assert photo.excluded_at is None
    assert photo.dismissed_at is None


@pytest.mark.parametrize("route", OF_A_PATIENT, ids=lambda route: route.name)
def test_the_own_clinician_finds_it(browser: Client, photo: Photo, route: URLPattern) -> None:
    ask = browser.post if route.name in POSTS else browser.get
    assert ask(address(route, photo)).status_code in {200, 302}


@pytest.mark.parametrize("route", urlpatterns, ids=lambda route: route.name)
def test_nobody_gets_in_without_signing_in(client: Client, photo: Photo, route: URLPattern) -> None:
    known = {"session_id": 1, "event_id": photo.pk, "hand_off_id": photo.pk, "purpose": "care"}
    known |= {"photo_id": photo.pk, "visit_id": photo.visit_id, "patient_id": photo.visit.patient_id, "face": 0}
    kwargs = {name: known[name] for name in route.pattern.converters}
    answer = client.get(reverse(f"patients:{route.name}", kwargs=kwargs))
    # A script that asks whether it is still signed in is told so; everybody else is led to the door.
    assert answer.status_code == 401 or answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", sorted(POSTS))
def test_what_changes_something_is_not_done_by_get(browser: Client, photo: Photo, name: str) -> None:
    route = next(route for route in urlpatterns if route.name == name)
    assert browser.get(address(route, photo)).status_code == 405
