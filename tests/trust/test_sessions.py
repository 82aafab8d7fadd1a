"""How long a session lasts, what keeps it alive, and what ends it."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients.consent.retention import apply_retention
from patients.models import Event, Patient, User, Visit
from patients.models.draft import Draft
from tests.factories import PASSWORD, make_clinician, make_photo, one_time_code

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def goes_on(client: Client, **headers: str) -> bool:
    return client.get("/patients/", headers=headers).status_code == 200


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    UserSession.objects.create(user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent="a browser")
    return client


def test_session_ends_after_fifteen_idle_minutes(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        clock.shift(timedelta(minutes=14, seconds=59))
        assert goes_on(client)
        clock.shift(timedelta(minutes=15))
        assert not goes_on(client)
        assert not Session.objects.exists()


def test_each_clinician_has_an_idle_limit_of_their_own(ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(idle_minutes=5)
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        clock.shift(timedelta(minutes=5))
        assert not goes_on(client)


@pytest.mark.parametrize("minutes", [4, 31])
def test_idle_limit_lies_between_five_and_thirty_minutes(client: Client, ada: User, minutes: int) -> None:
    client.force_login(ada)
    client.post("/settings/", {"theme": "system", "time_zone": "", "idle_minutes": minutes})
    ada.refresh_from_db()
    assert ada.idle_minutes == 15
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=ada.pk).update(idle_minutes=minutes)


def test_clinician_sets_the_idle_limit(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/settings/", {"theme": "system", "time_zone": "", "idle_minutes": 30})
    ada.refresh_from_db()
    assert ada.idle_minutes == 30


def test_session_ends_after_twelve_hours_whatever_happens(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        for _ in range(51):
            clock.shift(timedelta(minutes=14))
            assert goes_on(client)
        clock.shift(timedelta(minutes=6))
        assert not goes_on(client)


@pytest.mark.parametrize("headers", [{"X-Background": "1"}, {"Sec-Fetch-Dest": "image"}])
def test_polling_does_not_keep_a_session_alive(ada: User, headers: dict[str, str]) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        for _ in range(14):
            clock.shift(timedelta(minutes=1))
            assert goes_on(client, **headers)
        clock.shift(timedelta(minutes=1))
        assert not goes_on(client, **headers)


def test_page_asks_how_long_the_session_lasts_and_reports_activity(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        clock.shift(timedelta(minutes=10))
        assert client.get("/session/", headers={"X-Background": "1"}).json()["seconds_left"] == 300
        assert client.post("/session/").json()["seconds_left"] == 900
        clock.shift(timedelta(minutes=15))
        answer = client.post("/session/")
        assert (answer.status_code, answer.json()) == (401, {"seconds_left": 0})


def test_sign_in_returns_to_the_same_page(ada: User, ines: Patient) -> None:
    page = f"/patients/{ines.pk}/"
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        clock.shift(timedelta(hours=1))
        assert client.get(page).headers["Location"] == f"/accounts/login/?next={page}"


def test_part_of_a_page_takes_the_whole_page_to_sign_in(client: Client, visit: Visit) -> None:
    here = f"http://testserver/visits/{visit.pk}/"
    answer = client.get(f"/visits/{visit.pk}/state/", headers={"HX-Request": "true", "HX-Current-URL": here})
    assert answer.headers["HX-Redirect"] == f"/accounts/login/?next=%2Fvisits%2F{visit.pk}%2F"


def test_upload_by_script_without_sign_in_is_refused(client: Client, visit: Visit) -> None:
    answer = client.post(f"/visits/{visit.pk}/photos/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (401, "signed_out", True)


def test_every_session_ends_when_its_owner_is_disabled(ada: User) -> None:
    client = signed_in(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not goes_on(client)


def test_password_change_ends_the_other_sessions(ada: User) -> None:
    here, elsewhere = signed_in(ada), signed_in(ada)
    new = "a calm long phrase"
    here.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert goes_on(here)
    assert not goes_on(elsewhere)


def test_factor_change_ends_the_other_sessions_and_renews_this_one() -> None:
    cem = User.objects.create_user("cem@clinic.test", PASSWORD, display_name="Dr Cem Aydin")
    here, elsewhere = signed_in(cem), signed_in(cem)
    key = here.session.session_key
    here.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    here.get(reverse("mfa_activate_totp"))
    here.post(reverse("mfa_activate_totp"), {"code": one_time_code(here.session["mfa.totp.secret"])})
    assert goes_on(here)
    assert here.session.session_key != key
    assert elsewhere.get("/session/").status_code == 401


def test_factor_taken_away_by_an_administrator_ends_every_session(ada: User) -> None:
    client = signed_in(ada)
    Authenticator.objects.filter(user=ada).delete()
    assert client.get("/session/").status_code == 401


def test_clinician_ends_one_session_elsewhere(ada: User) -> None:
    here, elsewhere, third = signed_in(ada), signed_in(ada), signed_in(ada)
    row = UserSession.objects.get(session_key=elsewhere.session.session_key)
    assert f"/settings/sessions/{row.pk}/end/" in here.get(reverse("usersessions_list")).content.decode()
    here.post(f"/settings/sessions/{row.pk}/end/")
    assert not goes_on(elsewhere)
    assert goes_on(third)


def test_clinician_ends_all_other_sessions(ada: User) -> None:
    here, elsewhere = signed_in(ada), signed_in(ada)
    here.post(reverse("usersessions_list"))
    assert goes_on(here)
    assert not goes_on(elsewhere)


def test_no_one_ends_the_session_of_someone_else(ada: User, bo: User) -> None:
    client = signed_in(ada)
    row = UserSession.objects.get(user=ada)
    assert signed_in(bo).post(f"/settings/sessions/{row.pk}/end/").status_code == 404
    assert goes_on(client)


def test_sign_out_clears_what_the_browser_kept(ada: User) -> None:
    client = signed_in(ada)
    answer = client.post(reverse("account_logout"))
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.exists()


def test_activity_is_stored_only_now_and_then(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = signed_in(ada)
        before = client.session["seen_at"]
        clock.shift(timedelta(seconds=19))
        client.get("/session/")
        assert client.session["seen_at"] == before
        clock.shift(timedelta(seconds=1))
        client.get("/session/")
        assert client.session["seen_at"] == before + 20


def test_page_is_told_whose_session_it_is_now(ada: User, bo: User) -> None:
    mine, again, other = (signed_in(user).get("/session/").json() for user in (ada, ada, bo))
    assert mine["user_mark"] == again["user_mark"] != other["user_mark"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post("/session/").status_code == 403  # an old page, after a new sign-in
    token = client.get("/session/").json()["csrf_token"]
    assert client.post("/session/", headers={"X-CSRFToken": token}).status_code == 200


def test_draft_is_kept_unreadable_and_given_back_until_it_is_not_wanted(client: Client, ada: User, visit: Visit) -> None:
    client.force_login(ada)
    path = f"/visits/{visit.pk}/edit/"
    client.post("/drafts/", {"path": path, "note": "Slept badly"})
    assert Draft.objects.get().patient == visit.patient
    assert "Slept" not in str(Draft.objects.extra(select={"raw": "fields"}).values_list("raw", flat=True)[0])
    for _ in range(2):
        assert client.get("/drafts/", {"path": path}).json() == {"fields": {"note": "Slept badly"}}
    client.post("/drafts/", {"path": path, "forget": "1"})
    assert client.get("/drafts/", {"path": path}).json() == {"fields": {}}


def test_draft_is_deleted_after_a_day_and_with_its_patient(client: Client, ada: User, visit: Visit) -> None:
    client.force_login(ada)
    path = f"/visits/{visit.pk}/edit/"
    client.post("/drafts/", {"path": path, "note": "Slept badly"})
    Draft.objects.update(saved_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert client.get("/drafts/", {"path": path}).json() == {"fields": {}}
    client.post("/drafts/", {"path": path, "note": "Slept badly"})
    visit.patient.delete()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("page", ["/patients/new/", "/patients/{patient}/edit/", "/patients/{patient}/visits/new/"])
def test_draft_is_deleted_when_its_form_is_saved(client: Client, ada: User, ines: Patient, page: str) -> None:
    client.force_login(ada)
    path = page.format(patient=ines.pk)
    client.post("/drafts/", {"path": path, "name": "Mara"})
    client.post(path, {"name": ""})
    assert Draft.objects.exists()
    fields = {"name": "Mara Novak", "birth_date": "1980-05-04", "record_number": "R-777", "date": "2026-11-20"}
    assert client.post(path, fields).status_code == 302
    assert not Draft.objects.exists()


@pytest.mark.parametrize("page", ["/photos/{photo}/", "/events/{event}/edit/", "/visits/{visit}/edit/"])
def test_draft_of_any_page_is_deleted_with_the_patient(client: Client, ada: User, bo: User, visit: Visit, page: str) -> None:
    patient = visit.patient
    event = Event.objects.create(patient=patient, kind="note", label="Moved", starts_on=date(2026, 2, 3), created_by=ada)
    path = page.format(photo=make_photo(visit).pk, event=event.pk, visit=visit.pk)
    client.force_login(bo)
    assert client.post("/drafts/", {"path": path, "note": "x"}).status_code == 404
    client.force_login(ada)
    assert client.post("/drafts/", {"path": path, "note": "Slept badly"}).status_code == 201
    assert Draft.objects.get().patient == patient
    assert client.post("/drafts/", {"path": f"/api/v1/patients/{patient.pk}/", "note": "x"}).status_code == 404


def test_unclaimed_draft_is_deleted_by_retention(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/drafts/", {"path": "/patients/new/", "name": "Mara Novak"})
    apply_retention()
    assert Draft.objects.count() == 1
    Draft.objects.update(saved_at=timezone.now() - timedelta(hours=25))
    apply_retention()
    assert not Draft.objects.exists()


def test_draft_of_a_foreign_page_is_refused(client: Client, visit: Visit) -> None:
    client.force_login(make_clinician("Dr Bo Lindqvist", "bo@clinic.test"))
    assert client.post("/drafts/", {"path": f"/visits/{visit.pk}/edit/", "note": "x"}).status_code == 404
    assert client.post("/drafts/", {"path": "/no/such/page/", "note": "x"}).status_code == 404


@pytest.mark.parametrize(
    "page", ["/patients/new/", "/patients/{patient}/visits/new/", "/visits/{visit}/edit/", "/patients/{patient}/events/new/"]
)
def test_forms_one_writes_in_are_kept_when_time_runs_out(client: Client, ada: User, visit: Visit, page: str) -> None:
    client.force_login(ada)
    text = client.get(page.format(patient=visit.patient_id, visit=visit.pk)).content.decode()
    assert "data-draft>" in text
    assert "Your text from last time is restored." in text


@pytest.mark.parametrize(
    "page", ["/patients/new/", "/patients/{patient}/visits/new/", "/visits/{visit}/edit/", "/patients/{patient}/events/new/"]
)
def test_form_that_comes_back_with_its_errors_says_so(client: Client, ada: User, visit: Visit, page: str) -> None:
    client.force_login(ada)
    text = client.post(page.format(patient=visit.patient_id, visit=visit.pk), {"note": "Slept badly"}).content.decode()
    assert re.search(r"<form[^>]* data-draft\s+data-posted>", text)
