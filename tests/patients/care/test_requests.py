"""A second person confirms what gives someone sight of patients."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from patients.care.requests import MayNotDecide, NoSecondPerson, ask_to_hand_over, ask_to_join, decide
from patients.models import AccessLog, CareRequest, Membership, Patient, Team, User
from tests.factories import make_clinician, make_patient, prove
from tests.patients.care.test_break_glass import Callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim() -> User:
    """Return Kim, an administrator."""
    return make_clinician("Kim Admin", "kim@clinic.test", role=User.Role.ADMINISTRATOR)


@pytest.fixture
def lea() -> User:
    """Return Dr Lea, who leads the day clinic."""
    return make_clinician("Dr Lea Dahl", "lea@clinic.test")


@pytest.fixture
def team(ada: User, lea: User, ines: Patient) -> Team:
    """Return the day clinic: Dr Lea leads it, Dr Ada belongs to it, and it looks after Ines."""
    team = Team.objects.create(name="Day clinic")
    Membership.objects.create(team=team, clinician=lea, is_lead=True)
    Membership.objects.create(team=team, clinician=ada)
    ines.teams.add(team)
    return team


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return prove(client)


def sees(user: User, patient: Patient) -> bool:
    return Patient.objects.visible_to(user).contains(patient)


def age(user: User) -> None:
    User.objects.filter(pk=user.pk).update(date_joined=timezone.now() - timedelta(days=30))


def test_administrator_alone_reaches_no_patient(kim: User, ada: User, ines: Patient, settings: LazySettings) -> None:
    """The attack: invite, take the link, set a password, hand over; make them lead a new team, and confirm."""
    settings.HAS_MAIL = False
    admin = browser_of(kim)
    page = admin.post("/people/invite/", {"email": "new@clinic.test", "display_name": "Dr New", "role": "clinician"})
    assert page.status_code == 200
    new = User.objects.get(email="new@clinic.test")
    new.set_password("correct horse battery")
    new.save()
    admin.post("/teams/new/", {"name": "Ward 9"})
    for clinician, lead in ((ada, {}), (new, {"is_lead": "1"})):
        admin.post(f"/teams/{Team.objects.get().pk}/join/", {"clinician": clinician.pk} | lead)
    assert Membership.objects.count() == 2
    admin.post(f"/people/{ada.pk}/hand-over/", {"to": new.pk})
    asked = CareRequest.objects.get()
    assert list(asked.deciders()) == [ada]  # not who leads a team that was made for this
    for user in (kim, new):
        browser_of(user).post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    User.objects.filter(pk=ada.pk).update(is_active=False)  # and no one is left who could object
    for user in (kim, new):
        browser_of(user).post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    asked.refresh_from_db()
    assert (asked.state, sees(new, ines)) == ("pending", False)


@pytest.mark.parametrize("who", ["ada", "lea"])
def test_clinician_or_lead_confirms_that_a_caseload_is_handed_over(
    kim: User, ada: User, bo: User, lea: User, ines: Patient, team: Team, who: str
) -> None:
    cem = make_clinician("Dr Cem Aydin", "cem@clinic.test")
    ines.assign(cem)
    browser_of(kim).post(f"/people/{ada.pk}/hand-over/", {"to": bo.pk})
    asked = CareRequest.objects.get()
    assert set(asked.deciders()) == {ada, lea}
    assert not sees(bo, ines)
    browser = browser_of({"ada": ada, "lea": lea}[who])
    assert "Dr Bo Lindqvist gets access to all patients of Dr Ada Lind." in browser.get("/notices/").content.decode()
    browser.post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    asked.refresh_from_db()
    ines.refresh_from_db()
    assert (asked.state, asked.decided_by, sees(bo, ines), ines.responsible) == (
        "confirmed",
        {"ada": ada, "lea": lea}[who],
        True,
        bo,
    )
    assert [entry.detail for entry in AccessLog.objects.about(ines)[:2]] == [{"changed": "responsible"}, {"changed": "assigned"}]
    for told in (kim, bo, cem):  # who asked, who receives, and who looks after them too
        assert "confirmed" in {notice.kind for notice in told.notices.all()}
    assert "Confirmed: " in browser_of(kim).get("/notices/").content.decode()


@pytest.mark.parametrize(("decision", "state"), [("decline", "declined"), ("confirm", "confirmed")])
def test_decision_is_made_once(kim: User, ada: User, bo: User, ines: Patient, decision: str, state: str) -> None:
    asked = ask_to_hand_over(ada, bo, kim, kim)
    decide(asked, decision, ada, ada)
    for again in ("confirm", "decline"):
        with pytest.raises(MayNotDecide):
            decide(CareRequest.objects.get(), again, ada, ada)
    assert (CareRequest.objects.get().state, sees(bo, ines)) == (state, state == "confirmed")


def test_who_asked_withdraws_and_confirms_nothing(kim: User, ada: User, bo: User, ines: Patient) -> None:
    asked = ask_to_hand_over(ada, bo, kim, kim)
    with pytest.raises(MayNotDecide):
        decide(asked, "confirm", kim, kim)
    with pytest.raises(IntegrityError), transaction.atomic():  # nor does the database let them
        CareRequest.objects.update(state="confirmed", decided_by=kim)
    with pytest.raises(MayNotDecide):
        decide(asked, "withdraw", ada, ada)
    decide(asked, "withdraw", kim, kim)
    assert CareRequest.objects.get().state == "withdrawn"


def test_request_expires_after_a_week(kim: User, ada: User, bo: User, ines: Patient) -> None:
    asked = ask_to_hand_over(ada, bo, kim, kim)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        with pytest.raises(MayNotDecide):
            decide(asked, "confirm", ada, ada)
        assert "Expired" in browser_of(ada).get("/notices/").content.decode()
    assert not sees(bo, ines)


def test_no_one_else_sees_or_decides_a_request(kim: User, ada: User, bo: User, ines: Patient) -> None:
    asked = ask_to_hand_over(ada, bo, kim, kim)
    stranger = browser_of(make_clinician("Dr Cem Aydin", "cem@clinic.test"))
    assert stranger.post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"}).status_code == 404
    assert "Dr Ada Lind" not in stranger.get("/notices/").content.decode()


def test_decision_takes_the_password_again(kim: User, ada: User, bo: User, ines: Patient, client: Client) -> None:
    asked = ask_to_hand_over(ada, bo, kim, kim)
    client.force_login(ada)
    answer = client.post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not sees(bo, ines)


def test_where_no_one_is_left_an_older_account_confirms(kim: User, ada: User, bo: User, ines: Patient) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    with pytest.raises(NoSecondPerson):
        ask_to_hand_over(ada, bo, kim, kim)
    assert not CareRequest.objects.exists()
    other = make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR)
    age(bo)
    age(other)
    asked = ask_to_hand_over(ada, bo, kim, kim)
    assert set(asked.deciders()) == {bo, other}
    decide(asked, "confirm", other, other)
    assert sees(bo, ines)


def test_lead_confirms_who_joins_a_team_with_patients(kim: User, bo: User, lea: User, ines: Patient, team: Team) -> None:
    browser_of(kim).post(f"/teams/{team.pk}/join/", {"clinician": bo.pk})
    asked = CareRequest.objects.get()
    assert (list(asked.deciders()), sees(bo, ines)) == ([lea], False)
    browser_of(lea).post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    assert sees(bo, ines)
    assert {notice.kind for notice in lea.notices.all()} == {"asked"}
    assert {notice.kind for notice in bo.notices.all()} == {"confirmed", "joined"}


def test_new_member_confirms_when_a_lead_asks(bo: User, lea: User, ines: Patient, team: Team) -> None:
    browser_of(lea).post(f"/teams/{team.pk}/join/", {"clinician": bo.pk, "is_lead": "1"})
    asked = CareRequest.objects.get()
    assert list(asked.deciders()) == [bo]
    browser_of(bo).post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    assert (sees(bo, ines), Membership.objects.get(clinician=bo).is_lead) == (True, True)


def test_team_without_patients_is_joined_at_once(kim: User, bo: User) -> None:
    team = Team.objects.create(name="Ward 9")
    assert ask_to_join(team, bo, True, kim, kim) is None
    assert Membership.objects.get().clinician == bo


def test_member_is_told_of_a_lead_that_is_taken_and_of_leaving(kim: User, ada: User, lea: User, team: Team) -> None:
    admin = browser_of(kim)
    admin.post(f"/teams/{team.pk}/join/", {"clinician": lea.pk})
    admin.post(f"/teams/{team.pk}/leave/", {"clinician": lea.pk})
    assert [notice.kind for notice in lea.notices.order_by("pk")] == ["no_lead", "left"]
    assert [notice.kind for notice in ada.notices.order_by("pk")] == ["no_lead", "left"]


def test_asking_twice_is_one_request(kim: User, ada: User, bo: User, ines: Patient) -> None:
    assert ask_to_hand_over(ada, bo, kim, kim) == ask_to_hand_over(ada, bo, kim, kim)


def test_deciders_are_told_by_mail_that_names_no_patient(
    kim: User, ada: User, bo: User, settings: LazySettings, django_capture_on_commit_callbacks: Callback
) -> None:
    settings.HAS_MAIL = True
    patient = make_patient(ada, name="Tom Weber")
    User.objects.filter(pk=ada.pk).update(language="en")
    with django_capture_on_commit_callbacks(execute=True):
        ask_to_hand_over(ada, bo, kim, kim)
    assert [message.to for message in mail.outbox] == [[ada.email]]
    body = str(mail.outbox[0].body)
    assert "Kim Admin asks for your decision: Dr Bo Lindqvist gets access to all patients of Dr Ada Lind." in body
    assert patient.name not in body
