"""Administrators manage accounts, rights and teams, and see no patient."""

import re

import pytest
from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.urls import reverse

from inference import health
from patients.models import AccessLog, ApiToken, CareRequest, Membership, Patient, Team, User, Visit
from patients.views.people import PersonForm
from tests.factories import PASSWORD, make_clinician, make_photo, make_prediction, one_time_code, prove


@pytest.fixture
def kim(db: None) -> User:
    """Return Kim, an administrator."""
    return make_clinician("Kim Admin", "kim@clinic.test", role=User.Role.ADMINISTRATOR)


@pytest.fixture
def admin(kim: User) -> Client:
    """Return the browser of Kim, who has just given the password again."""
    client = Client()
    client.force_login(kim)
    return prove(client)


def rights(user: User, **changed: object) -> dict[str, object]:
    fields = {"display_name": user.display_name, "role": user.role, "is_active": "on"}
    return {name: value for name, value in (fields | changed).items() if value is not None}


def test_administrator_begins_with_people_and_finds_no_patient(admin: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    assert admin.get("/", follow=True).redirect_chain[-1][0] == "/people/"
    for path in ("/patients/", f"/patients/{visit.patient_id}/", f"/photos/{photo.pk}/image/", f"/api/v1/photos/{photo.pk}/"):
        assert admin.get(path).status_code == 404
    for path in ("/people/", "/teams/", "/health/", "/emergency/reviews/"):
        assert visit.patient.name not in admin.get(path).content.decode()


NEW = {"email": "New@Clinic.test", "display_name": "Dr New", "role": "clinician"}
CHOSEN = {"password1": "a calm long phrase", "password2": "a calm long phrase"}


def link_on(page: str) -> str:
    """Return the path of the link that the page shows to copy."""
    found = re.search(r'value="http://testserver(/accounts/password/reset/key/[^"]+)"', page)
    assert found
    return found[1]


def test_invited_person_sets_a_password_by_the_link_in_the_mail(admin: Client, client: Client, settings: LazySettings) -> None:
    settings.HAS_MAIL = True
    page = admin.post("/people/invite/", NEW, follow=True).content.decode()
    assert "Invitation sent to new@clinic.test." in page
    assert "/password/reset/key/" not in page  # the link goes to the mailbox
    person = User.objects.get(email="new@clinic.test")
    assert not person.may_export
    assert (mail.outbox[0].to, mail.outbox[0].subject) == ([person.email], "Affectline: Your invitation")
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert found
    path = client.get(found[1], follow=True).redirect_chain[-1][0]
    form = client.get(path).content.decode()
    assert re.search(r"<title>\s*Set your password\s*· Affectline</title>", form)
    assert "You will sign in as new@clinic.test." in form
    answer = client.post(path, CHOSEN, follow=True)
    person.refresh_from_db()
    assert person.check_password(CHOSEN["password1"])
    # Straight on: to the second factor, without signing in again.
    assert answer.redirect_chain[-1][0] == reverse("mfa_index")
    assert "Set up two-factor sign-in" in answer.content.decode()
    assert "Set up an authenticator app" in client.get(reverse("mfa_activate_totp")).content.decode()
    code = one_time_code(client.session["mfa.totp.secret"])
    codes = client.post(reverse("mfa_activate_totp"), {"code": code}, follow=True).content.decode()
    assert "I have saved my codes" in codes
    assert 'href="/">Continue' in codes
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/patients/"
    assert admin.post(f"/people/{person.pk}/invitation/").status_code == 404  # no one can take over an account by a link


def test_without_mail_the_page_shows_the_link_and_the_log_says_so(admin: Client, client: Client, settings: LazySettings) -> None:
    settings.HAS_MAIL = False
    page = admin.post("/people/invite/", NEW).content.decode()
    assert mail.outbox == []
    assert client.get(link_on(page), follow=True).status_code == 200
    assert AccessLog.objects.last().detail["changed"] == "invitation shown"  # type: ignore[union-attr]  # there is one


def test_a_mail_server_that_fails_leaves_no_link_on_the_page(
    admin: Client, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HAS_MAIL = True

    def fail(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(get_adapter().__class__, "send_mail", fail)
    page = admin.post("/people/invite/", NEW, follow=True).content.decode()
    assert "The mail server did not take the invitation." in page
    assert "/password/reset/key/" not in page


def test_link_is_sent_again_and_never_shown_where_there_is_mail(admin: Client, settings: LazySettings) -> None:
    settings.HAS_MAIL = True
    admin.post("/people/invite/", NEW)
    path = f"/people/{User.objects.get(email='new@clinic.test').pk}/invitation/"
    for sent in ({}, {"show": "yes"}):
        assert "/password/reset/key/" not in admin.post(path, sent, follow=True).content.decode()
    assert len(mail.outbox) == 3
    assert not AccessLog.objects.filter(detail__changed="invitation shown").exists()


def test_other_administrators_are_told_who_was_invited_and_that_a_link_was_shown(admin: Client, settings: LazySettings) -> None:
    settings.HAS_MAIL = False
    lea = make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR)
    admin.post("/people/invite/", NEW)
    assert [(notice.kind, notice.about and notice.about.email) for notice in lea.notices.order_by("pk")] == [
        ("invited", "new@clinic.test"),
        ("invitation_shown", "new@clinic.test"),
    ]


PROTECTED = ("", "invitation/", "reset-factor/", "hand-over/")


@pytest.mark.parametrize("path", ["/people/invite/", *(f"/people/{{}}/{part}" for part in PROTECTED)])
def test_password_is_asked_for_again(kim: User, ada: User, bo: User, client: Client, path: str) -> None:
    User.objects.filter(pk=bo.pk).update(password="")
    client.force_login(kim)
    before = list(User.objects.values_list("display_name", "role", "password"))
    asked = client.post(path.format(ada.pk), NEW | {"to": bo.pk, "is_active": "on"})
    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert list(User.objects.values_list("display_name", "role", "password")) == before
    assert (AccessLog.objects.count(), CareRequest.objects.count()) == (0, 0)


def test_what_was_posted_is_carried_out_after_the_password(kim: User, ada: User, client: Client) -> None:
    client.force_login(kim)
    asked = client.post(f"/people/{ada.pk}/", rights(ada, may_erase="on"))
    client.post(asked.headers["Location"], {"password": PASSWORD, "next": f"/people/{ada.pk}/"})
    ada.refresh_from_db()
    assert ada.may_erase


def test_role_that_was_lost_meanwhile_carries_nothing_out(kim: User, ada: User, client: Client) -> None:
    client.force_login(kim)
    asked = client.post(f"/people/{ada.pk}/", rights(ada, may_erase="on"))
    User.objects.filter(pk=kim.pk).update(role=User.Role.RESEARCHER)
    answer = client.post(asked.headers["Location"], {"password": PASSWORD, "next": f"/people/{ada.pk}/"})
    ada.refresh_from_db()
    assert (answer.status_code, ada.may_erase) == (404, False)


def test_person_is_told_of_changed_rights(admin: Client, kim: User, ada: User) -> None:
    admin.post(f"/people/{ada.pk}/", rights(ada))
    assert [(each.kind, each.by) for each in ada.notices.all()] == [("rights", kim)]


def test_used_link_says_what_helps(client: Client, kim: User) -> None:
    page = client.get("/accounts/password/reset/key/1-x/").content.decode()
    assert "This link no longer works" in page
    assert "Send me a new link" in page


def test_invited_people_are_told_apart_from_people_without_a_factor(admin: Client, kim: User) -> None:
    User.objects.create_user("new@clinic.test", display_name="Dr New")
    page = admin.get("/people/").content.decode()
    assert "Invited" in page
    assert "No second factor" not in page
    lost = User.objects.create_user("old@clinic.test", "x", display_name="Dr Old", last_login=kim.date_joined)
    assert "No second factor" in admin.get("/people/").content.decode()
    assert not lost.is_invited


def test_address_that_is_taken_is_refused(admin: Client, ada: User) -> None:
    answer = admin.post("/people/invite/", {"email": "ADA@clinic.test", "display_name": "X", "role": "clinician"})
    assert "already" in answer.content.decode()


def test_change_of_rights_takes_effect_at_once_and_is_logged(admin: Client, browser: Client, ada: User, ines: Patient) -> None:
    assert browser.get(f"/patients/{ines.pk}/csv/").status_code == 200
    admin.post(f"/people/{ada.pk}/", rights(ada))
    assert browser.get(f"/patients/{ines.pk}/csv/").status_code == 403
    assert "CSV" not in browser.get(f"/patients/{ines.pk}/").content.decode()
    admin.post(f"/people/{ada.pk}/", rights(ada, role="administrator"))
    assert browser.get(f"/patients/{ines.pk}/").status_code == 404
    entry = AccessLog.objects.filter(action="permission").order_by("-sequence")[0]
    assert (entry.object_id, entry.detail["role"], entry.detail["may_export"]) == (str(ada.pk), "administrator", False)


def test_only_administrators_change_names_and_the_log_says_so(admin: Client, browser: Client, ada: User, bo: User) -> None:
    browser.post("/settings/", {"display_name": bo.display_name, "theme": "system", "time_zone": "", "idle_minutes": 15})
    ada.refresh_from_db()
    assert ada.display_name == "Dr Ada Lind"
    admin.post(f"/people/{ada.pk}/", rights(ada, display_name="Dr Ada Lind-Berg"))
    ada.refresh_from_db()
    assert ada.display_name == "Dr Ada Lind-Berg"
    assert AccessLog.objects.last().detail["changed"] == "name and rights"  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize("name", ["Dr Bo Lindqvist", "dr bo  líndqvist"])
def test_no_two_people_have_one_name(admin: Client, ada: User, bo: User, name: str) -> None:
    for path, fields in ((f"/people/{ada.pk}/", rights(ada, display_name=name)), ("/people/invite/", NEW | {"display_name": name})):
        assert "Someone already has this name." in admin.post(path, fields).content.decode()
    assert User.objects.filter(display_name__icontains="bo").count() == 1
    admin.post(f"/people/{bo.pk}/", rights(bo, may_export="on"))
    bo.refresh_from_db()
    assert bo.may_export  # one's own name is no other


def test_locked_out_person_is_out_at_once(admin: Client, browser: Client, ada: User) -> None:
    admin.post(f"/people/{ada.pk}/", rights(ada, is_active=None))
    assert browser.get("/patients/").headers["Location"].startswith("/accounts/login/")


def test_own_account_is_left_to_another_administrator(admin: Client, kim: User) -> None:
    admin.post(f"/people/{kim.pk}/", rights(kim, role="clinician"))
    admin.post(f"/people/{kim.pk}/reset-factor/")
    kim.refresh_from_db()
    assert kim.is_administrator
    assert Authenticator.objects.filter(user=kim).exists()


def test_lost_factor_is_taken_away_and_asked_for_anew(admin: Client, browser: Client, ada: User) -> None:
    admin.post(f"/people/{ada.pk}/reset-factor/")
    assert browser.get("/session/").status_code == 401
    browser.force_login(User.objects.get(pk=ada.pk))
    assert browser.get("/patients/").headers["Location"] == reverse("mfa_index")


def test_keys_end_with_a_lost_factor_and_the_owner_is_told(admin: Client, client: Client, ada: User) -> None:
    key = {"Authorization": f"Bearer {ApiToken.issue(ada)}"}
    assert client.get("/api/v1/patients/", headers=key).status_code == 200
    admin.post(f"/people/{ada.pk}/reset-factor/")
    assert client.get("/api/v1/patients/", headers=key).status_code == 401
    assert [message.to for message in mail.outbox] == [[ada.email]]
    entry = AccessLog.objects.filter(action="permission", object_id=str(ada.pk)).order_by("sequence")[0]
    assert entry.detail == {"changed": "second factor reset", "keys": 1}


def test_patients_without_a_carer_are_reported(admin: Client, ada: User, bo: User, ines: Patient) -> None:
    assert admin.get("/people/").context["unattended"].count == admin.get("/health/").context["health"].unattended == 0
    admin.post(f"/people/{ada.pk}/", rights(ada, is_active=None))
    page = admin.get("/people/")
    assert "1 patient has no clinician." in page.content.decode()
    assert (page.context["unattended"].people, page.context["unattended"].teams) == ([ada], [])
    assert admin.get("/health/").context["health"].unattended == 1
    assert ines.name not in page.content.decode()
    team = Team.objects.create(name="Day clinic")
    ines.teams.add(team)
    assert admin.get("/people/").context["unattended"].teams == [team]
    Membership.objects.create(team=team, clinician=bo)
    assert admin.get("/people/").context["unattended"].count == 0
    bo.role = User.Role.RESEARCHER
    bo.save()
    assert admin.get("/people/").context["unattended"].count == 1
    Patient.objects.update(name="")  # as an anonymised one is
    assert admin.get("/people/").context["unattended"].count == 0


def test_lead_manages_only_their_own_team(admin: Client, browser: Client, ada: User, bo: User) -> None:
    admin.post("/teams/new/", {"name": "Day clinic"})
    team, other = Team.objects.get(), Team.objects.create(name="Ward 9")
    assert browser.get("/teams/").status_code == 404
    admin.post(f"/teams/{team.pk}/join/", {"clinician": ada.pk, "is_lead": "1"})
    assert "Ward 9" not in browser.get("/teams/").content.decode()
    assert "Day clinic" in browser.get("/teams/").content.decode()
    prove(browser).post(f"/teams/{team.pk}/join/", {"clinician": bo.pk})
    assert list(CareRequest.objects.get().deciders()) == [bo]
    admin.post(f"/teams/{team.pk}/join/", {"clinician": bo.pk})  # the team has no patients yet
    assert Membership.objects.get(clinician=bo).team == team
    assert browser.post(f"/teams/{other.pk}/join/", {"clinician": ada.pk}).status_code == 404
    browser.post(f"/teams/{team.pk}/leave/", {"clinician": bo.pk})
    assert not Membership.objects.filter(clinician=bo).exists()
    assert browser.post(f"/teams/{team.pk}/leave/", {"clinician": ada.pk}).headers["Location"] == "/teams/"


def test_health_page_says_what_waits(admin: Client, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ask_broker", lambda url, question: None)
    make_prediction(make_photo(visit), "queued")
    page = admin.get("/health/")
    shown = page.context["health"]
    assert (shown.queue.waiting, shown.queue.messages, shown.ready.broker, shown.ready.worker) == (1, None, False, False)
    assert "never seen" in page.content.decode()


def test_rights_put_back_no_password_that_was_changed_meanwhile(admin: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def change_password(form: PersonForm) -> None:
        User.objects.filter(pk=ada.pk).update(password="another")

    monkeypatch.setattr(PersonForm, "clean", change_password)
    assert admin.post(f"/people/{ada.pk}/", rights(ada, role="researcher")).status_code == 302
    ada.refresh_from_db()
    assert (ada.role, ada.password) == ("researcher", "another")


def test_new_password_puts_back_no_right_that_was_taken_meanwhile(ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    get_adapter().set_password(ada, "a new one that is long")
    ada.refresh_from_db()
    assert (ada.is_active, ada.check_password("a new one that is long")) == (False, True)


def test_old_page_gives_back_no_right_that_a_colleague_took(admin: Client, ada: User) -> None:
    ApiToken.issue(ada)
    hidden = re.compile(r'<input type="hidden"\s+name="(initial-[a-z_]+)"\s+value="([^"]*)"')
    sent = dict(hidden.findall(admin.get(f"/people/{ada.pk}/").content.decode()))
    sent |= rights(ada, display_name="Dr Ada Linde", may_export="on" if ada.may_export else None)
    other = Client()
    other.force_login(make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR))
    prove(other)
    assert other.post(f"/people/{ada.pk}/", rights(ada, is_active=None)).status_code == 302
    assert not ApiToken.objects.open().exists()
    assert AccessLog.objects.last().detail["keys"] == 1  # type: ignore[union-attr]  # there is one
    assert admin.post(f"/people/{ada.pk}/", sent).status_code == 302
    ada.refresh_from_db()
    assert (ada.display_name, ada.is_active) == ("Dr Ada Linde", False)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert not ApiToken.objects.open().exists()
