"""AccessMiddleware: an address without a rule is closed, nothing is shown without an entry, and no change is made without one."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from patients.audit.chain import find_faults
from patients.consent.consent import consent_text_fingerprint
from patients.models import AccessLog, ApiToken, BreakGlass, Patient, Photo, User, Visit
from patients.models.access import pseudonym
from tests.answers import close_unread
from tests.factories import (
    PASSWORD,
    make_finished_task,
    make_patient,
    make_photo,
    make_prediction,
    make_visit,
    one_time_code,
    prove,
    upload,
)

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
    prove(browser)
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


def listed() -> list[str]:
    """Return the pseudonyms of the patients who were listed."""
    return sorted(AccessLog.objects.filter(action="list").values_list("patient", flat=True))


def test_search_while_typing_is_one_view_of_each_patient(browser: Client, ada: User, ines: Patient) -> None:
    tom = make_patient(ada, name="Tom Weber")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser.get("/patients/", {"q": "ines"}, headers={"HX-Request": "true"})
        assert listed() == [pseudonym(ines.pk)]
        for _ in range(2):
            browser.get("/patients/")
        assert listed() == sorted([pseudonym(ines.pk), pseudonym(tom.pk)])
        clock.shift(timedelta(minutes=5, seconds=1))
        browser.get("/patients/", {"q": "ines"}, headers={"HX-Request": "true"})
    assert listed() == sorted([pseudonym(ines.pk), pseudonym(ines.pk), pseudonym(tom.pk)])


@pytest.mark.parametrize("is_scripted", [True, False])
@pytest.mark.parametrize("path", ["/patients/", "/tasks/", "/visits/{}/move/", "/visits/{}/move-photos/"])
def test_each_patient_on_a_page_gets_an_entry(browser: Client, ada: User, photo: Photo, path: str, is_scripted: bool) -> None:
    make_finished_task(ada, photo.visit.patient, "report", "report.pdf")
    headers = {"HX-Request": "true"} if is_scripted else {}
    page = browser.get(path.format(photo.visit_id), headers=headers)
    if not is_scripted:  # a part of the page may leave out the patient whom it is about
        assert photo.visit.patient.name in page.content.decode()
    assert listed() == [pseudonym(photo.visit.patient_id)]


def test_each_patient_in_the_agreement_gets_an_entry(browser: Client, ada: User, photo: Photo) -> None:
    tom = make_photo(make_visit(make_patient(ada, name="Tom Weber")))
    make_prediction(tom)
    for each in (photo, tom):
        each.own_labels.create(clinician=ada, label="happy")
    assert "Tom Weber" in browser.get("/agreement/").content.decode()
    assert listed() == sorted(pseudonym(each.visit.patient_id) for each in (photo, tom))


def test_each_patient_in_the_list_of_the_api_gets_an_entry_each_time(api: APIClient, ada: User, ines: Patient) -> None:
    tom, key = make_patient(ada, name="Tom Weber"), ApiToken.objects.get().pk
    for _ in range(2):
        assert api.get("/api/v1/patients/", {"limit": 1}).json()["results"][0]["name"] == ines.name
    assert api.get("/api/v1/patients/", {"limit": 1, "offset": 1}).json()["results"][0]["name"] == tom.name
    assert listed() == sorted([pseudonym(ines.pk)] * 2 + [pseudonym(tom.pk)])
    assert {entry.detail["key"] for entry in AccessLog.objects.all()} == {key}


@pytest.mark.parametrize("path", ["/patients/", "/api/v1/patients/"])
def test_no_list_is_shown_without_its_entries(browser: Client, ines: Patient, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(AccessLog, "append_all", lambda entries: 1 / 0)
    answer = browser.get(path)
    assert (answer.status_code, ines.name in answer.content.decode()) == (500, False)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("patients/{patient}/edit/", {"name": ""}),
        ("visits/{visit}/edit/", {"date": "never"}),
        ("visits/{visit}/note/", {"note": "x", "initial-note": "of older words"}),
        ("visits/{visit}/self-report/", {"mood": "99"}),
        ("photos/{photo}/note/", {"note": "x", "initial-note": "of older words"}),
        ("photos/{photo}/exclude/", {"reason": "x" * 201}),
        ("photos/{photo}/choose-face/", {"face": "7"}),
        ("photos/{photo}/label/", {"label": "hungry"}),
    ],
)
def test_refused_change_adds_no_entry_of_a_change_whatever_the_header(
    browser: Client, photo: Photo, path: str, fields: dict[str, str]
) -> None:
    address = path.format(patient=photo.visit.patient_id, visit=photo.visit_id, photo=photo.pk)
    for headers in ({}, {"HX-Request": "true"}):
        browser.post(f"/{address}", fields, headers=headers)
    assert {action for action, _kind in entries()} <= {"view"}


def test_entry_keeps_the_name_of_its_time(browser: Client, ada: User, ines: Patient) -> None:
    browser.get(f"/patients/{ines.pk}/")
    User.objects.filter(pk=ada.pk).update(display_name="Dr Bo Lindqvist")
    assert AccessLog.objects.about(ines)[0].actor_name == "Dr Ada Lind"
    assert "Dr Ada Lind (now Dr Bo Lindqvist)" in browser.get(f"/patients/{ines.pk}/access-log/").content.decode()
    assert list(find_faults()) == []


def test_entry_names_the_key_or_the_emergency_access(client: Client, bo: User, ada: User, ines: Patient) -> None:
    access = BreakGlass.objects.create(patient=ines, clinician=bo, reason="Overdose")
    key = {"Authorization": f"Bearer {ApiToken.issue(ada)}"}
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 200
    client.force_login(bo)
    for path in (f"/patients/{ines.pk}/", "/patients/"):
        assert client.get(path).status_code == 200
    by_program, opened, listed = AccessLog.objects.all()
    assert by_program.detail == {"key": ApiToken.objects.get().pk}
    assert opened.detail == listed.detail == {"glass": access.pk}
    BreakGlass.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"/patients/{ines.pk}/").status_code == 404


def test_no_program_reaches_a_record_by_emergency_access(client: Client, bo: User, ines: Patient) -> None:
    BreakGlass.objects.create(patient=ines, clinician=bo, reason="Overdose")
    key = {"Authorization": f"Bearer {ApiToken.issue(bo)}"}
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 404
    assert client.get("/api/v1/patients/", headers=key).json()["results"] == []


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
