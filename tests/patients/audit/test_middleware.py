"""AccessMiddleware: an address without a rule is closed, nothing is shown without an entry, and no change is made without one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from patients.consent.consent import consent_text_fingerprint
from patients.models import AccessLog, ApiToken, BreakGlass, Patient, Photo, User, Visit
from tests.answers import close_unread
from tests.factories import PASSWORD, make_photo, make_prediction, one_time_code, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the browser of Dr Ada, which gets an error page where the server fails."""
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo of Ines that was read."""
    photo = make_photo(visit)
    make_prediction(photo)
    return photo


def entries() -> list[tuple[str, str]]:
    return [(entry.action, entry.object_kind) for entry in AccessLog.objects.all()]


@pytest.fixture
def without_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every access log entry fail."""

    def fail(entry: AccessLog) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(AccessLog, "append", fail)


def test_address_without_a_rule_is_closed(browser: Client, ines: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (f"/patients/{ines.pk}/", "/api/v1/patients/"):
        assert browser.get(path).status_code == 200
        monkeypatch.setattr(resolve(path).func, "rule", None)
        assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/patients/{}/", "/patients/{}/csv/", "/api/v1/patients/{}/"])
def test_nothing_is_shown_without_an_entry(browser: Client, ines: Patient, without_log: None, path: str) -> None:
    answer = browser.get(path.format(ines.pk))
    assert answer.status_code == 500
    assert ines.name not in answer.content.decode()


def test_nothing_changes_without_an_entry(browser: Client, photo: Photo, without_log: None) -> None:
    assert browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "blurred"}).status_code == 500
    assert browser.post(f"/photos/{photo.pk}/delete/").status_code == 500
    assert browser.patch(f"/api/v1/visits/{photo.visit_id}/", {"note": "x"}, "application/json").status_code == 500
    photo.refresh_from_db()
    assert (photo.excluded_at, photo.visit.note) == (None, "")
    assert photo.image.read()


def test_no_photo_is_stored_without_an_entry(browser: Client, visit: Visit, without_log: None) -> None:
    assert browser.post(f"/visits/{visit.pk}/photos/", {"photos": upload()}).status_code == 500
    assert not Photo.objects.exists()


def test_each_action_is_one_entry(browser: Client, photo: Photo) -> None:
    browser.get(f"/photos/{photo.pk}/")
    browser.get(f"/photos/{photo.pk}/preview/")
    browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "blurred"})
    browser.post(f"/visits/{photo.visit_id}/photos/", {"photos": upload()})
    browser.delete(f"/api/v1/photos/{photo.pk}/")
    close_unread(browser.get(f"/patients/{photo.visit.patient_id}/csv/"))
    seen = [("view", "photo"), ("image", "photo"), ("exclude", "photo"), ("upload", "photo"), ("delete", "photo"), ("export", "")]
    assert entries() == seen


def test_refused_request_is_not_logged(browser: Client, photo: Photo) -> None:
    browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "x" * 201})
    browser.post(f"/photos/{photo.pk}/choose-face/", {"face": "7"})
    browser.post(f"/photos/{photo.pk}/retry/")  # this one is done: from now on it waits
    browser.post(f"/photos/{photo.pk}/retry/")
    browser.post(f"/api/v1/photos/{photo.pk}/retry/")
    browser.post(f"/patients/{photo.visit.patient_id}/read-again/")
    assert entries() == [("retry", "photo"), ("view", "photo")]  # the program was told of the photo


def test_refusal_that_shows_the_card_is_a_view(browser: Client, photo: Photo) -> None:
    for action, asked in (("exclude", {"reason": "x" * 201}), ("choose-face", {"face": "7"})):
        assert "photo-" in browser.post(f"/photos/{photo.pk}/{action}/", asked, headers={"HX-Request": "true"}).content.decode()
    assert entries() == [("view", "photo")] * 2


@pytest.mark.parametrize("ask", ["foreign patient", "redirect to sign-in"])
def test_what_did_not_happen_is_not_logged(bo: User, ines: Patient, ask: str) -> None:
    stranger = Client()
    if ask == "foreign patient":
        stranger.force_login(bo)
    stranger.get(f"/patients/{ines.pk}/")
    stranger.post(f"/patients/{ines.pk}/visits/new/", {"date": "2026-11-20"})
    stranger.post(f"/patients/{ines.pk}/visits/new/", {"date": "never"})
    assert entries() == []


@pytest.mark.parametrize("of", ["edit", "visits/new", "events/new", "usual-range", "erase", "consent/research"])
def test_page_that_shows_a_form_with_errors_is_a_view(
    browser: Client, ada: User, photo: Photo, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    User.objects.filter(pk=ada.pk).update(may_erase=True)
    visit, number = photo.visit, photo.visit.patient.record_number
    fields = {"date": "never", "visit": str(visit.pk), "words": consent_text_fingerprint("research"), "given_on": "never"}
    fields["record_number"] = number
    page = browser.post(f"/patients/{visit.patient_id}/{of}/", fields)
    assert (page.status_code, number in page.content.decode()) == (200, True)
    assert entries() == [("view", "")]
    browser.post(f"/patients/{visit.patient_id}/{of}/", fields, headers={"HX-Request": "true"})  # any program can send it
    assert entries() == [("view", "")] * 2
    monkeypatch.setattr(AccessLog, "append", lambda entry: 1 / 0)
    page = browser.post(f"/patients/{visit.patient_id}/{of}/", fields)
    assert (page.status_code, number in page.content.decode()) == (500, False)


@pytest.mark.parametrize("of", ["visits", "photos"])
def test_page_that_answers_a_late_note_is_a_view(browser: Client, photo: Photo, of: str) -> None:
    row = photo.visit if of == "visits" else photo
    late = {"note": "Eats well.", "initial-note": "of older words"}
    page = browser.post(f"/{of}/{row.pk}/note/", late)
    assert (page.status_code, "Ines Moreau" in page.content.decode()) == (409, True)
    assert entries() == [("view", of[:-1])]
    assert browser.post(f"/{of}/{row.pk}/note/", late, headers={"HX-Request": "true"}).status_code == 409  # a sentence, no page
    assert entries() == [("view", of[:-1])]
    row.refresh_from_db()
    assert row.note == ""


@pytest.mark.parametrize("of", ["visits", "photos"])
def test_late_note_shows_no_page_without_an_entry(browser: Client, photo: Photo, without_log: None, of: str) -> None:
    row = photo.visit if of == "visits" else photo
    answer = browser.post(f"/{of}/{row.pk}/note/", {"note": "Eats well.", "initial-note": "of older words"})
    assert (answer.status_code, "Ines Moreau" in answer.content.decode()) == (500, False)


def test_search_while_typing_is_one_view(browser: Client, ines: Patient) -> None:
    browser.get("/patients/")
    browser.get("/patients/", {"q": "in"}, headers={"HX-Request": "true"})
    assert entries() == [("list", "")]


@pytest.mark.parametrize("path", ["/patients/?all", "/agreement/", "/api/v1/patients/"])
def test_header_of_a_script_does_not_avoid_the_entry(browser: Client, ines: Patient, path: str) -> None:
    for _ in range(2):
        assert browser.get(path, headers={"HX-Request": "true"}).status_code == 200
    assert entries() == [("list", "")]


def test_entry_names_the_key_or_the_emergency_access(client: Client, bo: User, ines: Patient) -> None:
    access = BreakGlass.objects.create(patient=ines, clinician=bo, reason="Overdose")
    key = {"Authorization": f"Bearer {ApiToken.issue(bo)}"}
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 200
    assert AccessLog.objects.get().detail == {"glass": access.pk, "key": ApiToken.objects.get().pk}
    BreakGlass.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 404


def test_sign_in_sign_out_and_failures_are_logged(client: Client, ada: User) -> None:
    client.post("/accounts/login/", {"login": ada.email, "password": "not the password"})
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert [action for action, _kind in entries()] == ["sign_in_failed"]  # the second factor is still to come
    client.post("/accounts/2fa/authenticate/", {"code": one_time_code()})
    client.post("/accounts/logout/")
    failed, came, left = AccessLog.objects.all()
    assert [entry.action for entry in (failed, came, left)] == ["sign_in_failed", "sign_in", "sign_out"]
    assert (failed.actor_id, came.actor_id, left.actor_id) == (None, ada.pk, ada.pk)
    assert ada.email not in str(list(AccessLog.objects.values()))


def test_wrong_code_is_logged(client: Client, ada: User) -> None:
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    entry = AccessLog.objects.get()
    assert (entry.action, entry.actor_id, entry.object_id, entry.detail) == (
        "sign_in_failed",
        None,
        str(ada.pk),
        {"factor": "code"},
    )


def test_end_of_an_idle_session_is_logged(browser: Client, ada: User) -> None:
    session = browser.session
    session["seen_at"] = 0
    session.save()
    assert browser.get("/patients/").status_code == 302
    entry = AccessLog.objects.get()
    assert (entry.action, entry.actor_id, entry.detail) == ("sign_out", ada.pk, {"by": "time"})


def test_change_of_password_is_logged(browser: Client, ada: User) -> None:
    new = "a calm long phrase"
    browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    entry = AccessLog.objects.get()
    assert (entry.action, entry.object_id, entry.detail) == ("permission", str(ada.pk), {"changed": "password_changed"})
