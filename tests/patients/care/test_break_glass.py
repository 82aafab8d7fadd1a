"""Emergency access: a reason, reauthentication, two hours, a banner on every page, and a review."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from patients.models import AccessLog, BreakGlass, Draft, ErasureRequest, Membership, Patient, PatientImport, Team, User, Visit
from patients.models.patient_import import FoundPatient
from tests.factories import PASSWORD, make_clinician, make_patient, make_photo, make_prediction, make_visit, upload
from tests.trust.test_sessions import NOON

Callback = Callable[..., AbstractContextManager[list[Callable[[], None]]]]
pytestmark = pytest.mark.django_db
REASON = "Brought in unconscious, need the last visits."


def ask(client: Client, patient: Patient, **changed: str) -> object:
    fields = {"record_number": patient.record_number, "birth_date": f"{patient.birth_date:%Y-%m-%d}", "reason": REASON}
    return client.post("/emergency/", fields | changed)


def proved(user: User) -> Client:
    """Return the browser of a user who has just reauthenticated."""
    client = Client()
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_password_is_asked_for_again(client: Client, bo: User, ines: Patient) -> None:
    client.force_login(bo)
    assert client.get("/emergency/").headers["Location"].startswith(reverse("account_reauthenticate"))
    ask(client, ines)
    assert not BreakGlass.objects.exists()
    assert REASON not in str(client.session.items())


def test_typed_reason_survives_reauthentication(client: Client, bo: User, ines: Patient) -> None:
    client.force_login(bo)
    ask(client, ines)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get("/emergency/").content.decode()
    assert "data-draft>" in page
    assert re.search(r"data-draft-said>\s*Your text from last time is restored.", page)
    assert f'value="{ines.record_number}"' in page
    assert 'value="1991-02-14"' in page
    assert f"{REASON}</textarea>" in page
    fields = client.get("/drafts/", {"path": "/emergency/"}).json()["fields"]
    assert fields == {"record_number": ines.record_number, "birth_date": "1991-02-14", "reason": REASON}
    client.post("/drafts/", {"path": "/emergency/"} | fields)
    assert "data-posted" in getattr(ask(client, ines, reason="urgent"), "content").decode()  # noqa: B009  # no type for it
    assert Draft.objects.exists()
    ask(client, ines)
    assert BreakGlass.objects.exists()
    assert not Draft.objects.exists()
    page = client.get("/emergency/").content.decode()
    assert re.search(r"data-draft-said\s+hidden>", page)
    assert REASON not in page


def test_reauthentication_lasts_five_minutes(bo: User, ines: Patient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = proved(bo)
        assert client.get("/emergency/").status_code == 200
        clock.shift(timedelta(minutes=5))
        ask(client, ines)
        assert not BreakGlass.objects.exists()


def test_record_opens_for_two_hours_under_a_banner_on_every_page(bo: User, ines: Patient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = proved(bo)
        ask(client, ines)
        clock.shift(timedelta(minutes=14))
        for path in (f"/patients/{ines.pk}/", "/patients/", "/settings/"):
            assert "Emergency access until 14:00." in client.get(path).content.decode()
        for _ in range(10):
            clock.shift(timedelta(minutes=10))
            assert client.get(f"/patients/{ines.pk}/").status_code == 200
        clock.shift(timedelta(minutes=7))
        assert client.get(f"/patients/{ines.pk}/").status_code == 404
        assert "Emergency access until" not in client.get("/patients/").content.decode()


def test_clinician_ends_it_before_its_time(bo: User, ines: Patient) -> None:
    client = proved(bo)
    ask(client, ines)
    access = BreakGlass.objects.get()
    client.post(f"/emergency/{access.pk}/end/")
    assert client.get(f"/patients/{ines.pk}/").status_code == 404
    assert client.post(f"/emergency/{access.pk}/end/").status_code == 404


def test_emergency_access_allows_no_export_and_no_assignment(bo: User, ines: Patient) -> None:
    client = proved(bo)
    ask(client, ines)
    assert client.get(f"/patients/{ines.pk}/csv/").status_code == 403
    assert client.get(f"/patients/{ines.pk}/zip/").status_code == 403
    for path in ("", "csv/", "fhir/", "timeline/"):
        assert client.get(f"/api/v1/patients/{ines.pk}/{path}").status_code == 404
    assert client.get("/api/v1/patients/").json()["count"] == 0
    assert client.post(f"/patients/{ines.pk}/care/assign/", {"clinician": bo.pk}).status_code == 403


def test_emergency_access_allows_no_erasure_and_no_move_to_another_patient(bo: User, visit: Visit) -> None:
    photo, own = make_photo(visit), make_visit(make_patient(bo, name="Omar Haddad"))
    client = proved(bo)
    ask(client, visit.patient)
    assert client.get(f"/photos/{photo.pk}/").status_code == 200
    assert client.post(f"/photos/{photo.pk}/delete/").status_code == 403
    assert client.delete(f"/api/v1/photos/{photo.pk}/").status_code == 404
    assert client.get(f"/visits/{visit.pk}/move/").status_code == 403
    event = visit.patient.events.create(kind="therapy", starts_on=visit.date, created_by=bo)
    assert client.post(f"/events/{event.pk}/delete/").status_code == 403
    assert visit.patient.events.get() == event
    client.post(f"/visits/{own.pk}/move/", {"patient": str(visit.patient_id)})
    own.refresh_from_db()
    assert own.patient.name == "Omar Haddad"
    assert visit.photos.get() == photo


def test_emergency_access_changes_no_name_number_or_birth_date(bo: User, ines: Patient) -> None:
    client, known = proved(bo), (ines.name, ines.record_number, ines.birth_date)
    ask(client, ines)
    fields = {"name": "Ina Moor", "record_number": "R-9", "birth_date": "1990-01-01"}
    assert client.get(f"/patients/{ines.pk}/edit/").status_code == 403
    assert client.post(f"/patients/{ines.pk}/edit/", fields).status_code == 403
    assert client.patch(f"/api/v1/patients/{ines.pk}/", fields, "application/json").status_code == 404
    row = FoundPatient(2, "Ina Moor", ines.record_number, "1990-01-01", patient=str(ines.pk))
    batch = PatientImport(created_by=bo, file_name="patients.csv")
    batch.found = [row]
    batch.save()
    client.post(f"/patients/import/{batch.pk}/carry-out/", {"row-0": "update"})
    ines.refresh_from_db()
    assert (ines.name, ines.record_number, ines.birth_date) == known


def test_care_team_and_lead_are_told_at_once(
    bo: User, ada: User, ines: Patient, settings: LazySettings, django_capture_on_commit_callbacks: Callback
) -> None:
    settings.HAS_MAIL = True
    lead, client = lead_of_ines(ines), proved(bo)
    with django_capture_on_commit_callbacks(execute=True):
        ask(client, ines)
    assert sorted(message.to[0] for message in mail.outbox) == [ada.email, lead.email]
    assert "Dr Bo Lindqvist opened the record of a patient in an emergency." in str(mail.outbox[0].body)
    assert not any(ines.name in str(message.body) for message in mail.outbox)
    own = Client()
    own.force_login(lead)
    page = own.get("/notices/").content.decode()
    assert "Dr Bo Lindqvist opened the record of a patient in an emergency." in page
    assert ines.name in page
    assert 'aria-label="Notices, 1 new"' in page
    own.post("/notices/read/")
    assert 'aria-label="Notices"' in own.get("/notices/").content.decode()


def test_emergency_access_allows_no_change_of_consent(bo: User, ines: Patient) -> None:
    client = proved(bo)
    ask(client, ines)
    assert client.post(f"/patients/{ines.pk}/consent/care/withdraw/").status_code == 403
    given = {"given_on": "2026-11-20", "method": "signed"}
    assert client.post(f"/patients/{ines.pk}/consent/research/", given).status_code == 403
    assert ([each.purpose for each in ines.consents.active()], ErasureRequest.objects.count()) == (["care"], 0)
    page = client.get(f"/patients/{ines.pk}/consent/").content.decode()
    assert "Record withdrawal" not in page
    assert "Record consent" not in page


@pytest.mark.parametrize("changed", [{"reason": "urgent"}, {"birth_date": "1990-01-01"}, {"record_number": "R-0"}])
def test_short_reason_or_wrong_patient_opens_nothing(bo: User, ines: Patient, changed: dict[str, str]) -> None:
    client = proved(bo)
    ask(client, ines, **changed)
    assert not BreakGlass.objects.exists()
    assert client.get(f"/patients/{ines.pk}/").status_code == 404


def test_guessing_is_slowed_down_and_logged(bo: User, ines: Patient) -> None:
    client = proved(bo)
    for number in range(10):
        ask(client, ines, record_number=f"R-{number}")
    assert getattr(ask(client, ines), "status_code") == 429  # noqa: B009  # Django's test client has no type for it
    assert not BreakGlass.objects.exists()
    assert [entry.detail for entry in AccessLog.objects.filter(action="break_glass")] == [{"found": False}] * 10


def test_reason_is_unreadable_in_the_database(bo: User, ines: Patient) -> None:
    ask(proved(bo), ines)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM patients_breakglass")
        assert "unconscious" not in str(cursor.fetchall())


def test_own_patient_needs_no_emergency(ada: User, ines: Patient) -> None:
    ask(proved(ada), ines)
    assert not BreakGlass.objects.exists()


def test_every_view_names_the_emergency_access(bo: User, ada: User, ines: Patient) -> None:
    client = proved(bo)
    ask(client, ines)
    client.get(f"/patients/{ines.pk}/")
    opened, looked = AccessLog.objects.about(ines).order_by("sequence")
    assert (opened.action, looked.action, looked.detail) == ("break_glass", "view", {"glass": BreakGlass.objects.get().pk})
    own = Client()
    own.force_login(ada)
    page = own.get(f"/patients/{ines.pk}/access-log/").content.decode()
    assert page.count(f"Reason: {REASON}") == 1
    assert page.count("emergency access</span>") == 2


def test_reason_is_hidden_during_another_emergency_access(bo: User, ines: Patient) -> None:
    ask(proved(bo), ines)
    other = proved(make_clinician("Dr Cem Aydin", "cem@clinic.test"))
    ask(other, ines, reason="On call tonight, seizure on the ward.")
    page = other.get(f"/patients/{ines.pk}/access-log/").content.decode()
    assert page.count("opened the record in an emergency") == 2
    assert "Reason:" not in page


def test_those_who_read_a_reason_are_named_where_it_is_written(bo: User) -> None:
    page = proved(bo).get("/emergency/").content.decode()
    assert "The care team and an administrator can read it." in page
    assert "A team lead or administrator reviews them" in page


def test_every_change_names_the_emergency_access(bo: User, visit: Visit) -> None:
    photo, client = make_photo(visit), proved(bo)
    make_prediction(photo)
    ask(client, visit.patient)
    assert client.post(f"/photos/{photo.pk}/label/", {"label": "sad"}).status_code < 400
    entry = AccessLog.objects.about(visit.patient).get(action="label")
    assert entry.detail["glass"] == BreakGlass.objects.get().pk
    page = client.post(f"/visits/{visit.pk}/phone/", headers={"HX-Request": "true"})
    phone = Client()
    phone.post(str(page.context["phone"].address).removeprefix("http://testserver"))
    phone.post("/phone/", {"photos": upload()})
    entries = AccessLog.objects.about(visit.patient).filter(detail__has_key="phone_pairing")
    assert {entry.action for entry in entries} == {"permission", "upload"}
    assert all(entry.detail["glass"] == BreakGlass.objects.get().pk for entry in entries)


def test_access_that_waits_for_review_comes_first(bo: User, ines: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.views.emergency.REVIEWS", 2)
    lead = lead_of_ines(ines)
    old, *seen = (BreakGlass.objects.create(clinician=bo, patient=ines, reason=REASON) for _ in range(4))
    for access in seen:
        access.review(lead)
    client = Client()
    client.force_login(lead)
    shown = client.get("/emergency/reviews/").context["accesses"]
    assert (next(iter(shown)), len(shown)) == (old, 2)
    entry = AccessLog.objects.latest("sequence")  # patients are named on it
    assert (entry.action, entry.actor_id) == ("list", lead.pk)


def lead_of_ines(ines: Patient) -> User:
    lead, team = make_clinician("Dr Lea Dahl", "lea@clinic.test"), Team.objects.create(name="Day clinic")
    Membership.objects.create(team=team, clinician=lead, is_lead=True)
    team.assignments.create(patient=ines)
    return lead


@pytest.mark.parametrize("who", ["lead", "administrator"])
def test_lead_and_administrator_review_it(bo: User, ines: Patient, who: str) -> None:
    ask(proved(bo), ines)
    fields = {"role": User.Role.ADMINISTRATOR}
    reviewer = lead_of_ines(ines) if who == "lead" else make_clinician("Kim Admin", "kim@clinic.test", **fields)
    client = Client()
    client.force_login(reviewer)
    page = client.get("/emergency/reviews/").content.decode()
    assert REASON in page
    assert (ines.name in page) == (who == "lead")
    access = BreakGlass.objects.get()
    client.post(f"/emergency/{access.pk}/review/")
    access.refresh_from_db()
    assert access.reviewed_by == reviewer
    entry = AccessLog.objects.last()
    assert entry is not None
    assert (entry.detail, entry.actor_id) == (
        {"changed": "emergency reviewed", "reviewed": access.pk},
        reviewer.pk,
    )  # they opened nothing
    assert isinstance(access.reviewed_at, datetime)


def test_no_one_reviews_their_own_access_or_that_of_another_team(bo: User, ines: Patient) -> None:
    ask(proved(bo), ines)
    other = Team.objects.create(name="Night clinic")
    Membership.objects.create(team=other, clinician=bo, is_lead=True)
    other.assignments.create(patient=ines)
    foreign = make_clinician("Dr Zoe Foreign", "zoe@clinic.test")
    Membership.objects.create(team=Team.objects.create(name="Ward 9"), clinician=foreign, is_lead=True)
    for user in (bo, foreign):
        client = Client()
        client.force_login(user)
        assert client.post(f"/emergency/{BreakGlass.objects.get().pk}/review/").status_code == 404
