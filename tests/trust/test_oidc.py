"""Sign-in by the hospital's provider, against a real one (oidc-provider-mock, on Authlib) that runs beside the tests."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import LazySettings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.oidc import Oidc, oidc_from_environment
from patients.models import AccessLog, ApiToken, Patient, User
from tests.factories import PASSWORD, make_clinician, make_patient, one_time_code
from tests.trust import provider
from tests.trust.provider import running_provider

pytestmark = pytest.mark.django_db
GO = "/accounts/oidc/hospital/login/"
ROLES = (("it-admins", "administrator"), ("psychiatry", "clinician"), ("trials", "researcher"))
Claim = str | bool | list[str] | None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of a running provider."""
    with running_provider() as address:
        yield address


@pytest.fixture
def oidc(server: str, settings: LazySettings) -> Oidc:
    """Switch sign-in by the provider on."""
    return switch_on(settings, Oidc(server=server, client_id="affectline", secret="of one test", name="Uni Hospital"))


def switch_on(settings: LazySettings, chosen: Oidc) -> Oidc:
    settings.OIDC, settings.SOCIALACCOUNT_PROVIDERS = chosen, chosen.providers
    return chosen


def say(oidc: Oidc, sub: str = "u-1", **claims: Any) -> None:  # Any: JSON
    """Have the provider say this about a person. By default their address is verified."""
    provider.say(oidc.server, sub, **{"email": "cem@clinic.test", "email_verified": True} | claims)


def come_back(client: Client, oidc: Oidc, sub: str = "u-1", target: str = "") -> Any:  # Any: what the test client gives back
    """Return the answer of our site to someone who went to the provider and signed in there as `sub`."""
    gone = client.post(GO, {"next": target} if target else {})
    assert gone.status_code == 302
    assert gone.headers["Location"].startswith(f"{oidc.server}/oauth2/authorize?")
    consent = requests.post(gone.headers["Location"], data={"sub": sub}, allow_redirects=False, timeout=5)
    back = urlsplit(consent.headers["Location"])
    assert (back.netloc, back.path) == ("testserver", reverse("openid_connect_callback", args=["hospital"]))
    return client.get(f"{back.path}?{back.query}")


def is_in(client: Client, user: User) -> bool:
    return client.get("/session/").status_code == 200 and get_user(client).pk == user.pk


def refused(answer: Any, words: str) -> bool:  # Any: what the client of the tests gives back
    return answer.status_code == 403 and words in answer.content.decode()


@pytest.fixture
def cem(db: None) -> User:
    """Return Dr Cem, who was invited and has neither password nor second factor."""
    return User.objects.create_user("cem@clinic.test", display_name="Dr Cem Aydin")


def test_invited_person_signs_in_and_the_provider_asked_for_two_factors(client: Client, cem: User, oidc: Oidc) -> None:
    say(oidc, amr=["pwd", "otp"], name="Cem")
    assert come_back(client, oidc, target="/studies/").headers["Location"] == "/studies/"
    assert is_in(client, cem)
    assert client.get("/patients/").status_code == 200
    entry = AccessLog.objects.get(action="sign_in")
    assert (entry.actor, entry.detail) == (cem, {"by": "provider"})


def test_without_its_word_for_two_factors_ours_is_set_up(client: Client, cem: User, oidc: Oidc) -> None:
    say(oidc, amr=["pwd"])
    come_back(client, oidc)
    assert is_in(client, cem)
    assert client.get("/patients/").headers["Location"] == reverse("mfa_index")
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


@pytest.mark.parametrize(
    ("claims", "asked"), [({"amr": ["pwd"]}, True), ({"amr": "mfa"}, False), ({"acr": "mfa"}, False), ({}, True)]
)
def test_own_factor_is_asked_for_unless_the_provider_asked_for_two(
    client: Client, ada: User, oidc: Oidc, claims: dict[str, Any], asked: bool
) -> None:
    say(oidc, email=ada.email, **claims)
    answer = come_back(client, oidc)
    assert (answer.headers["Location"] == reverse("mfa_authenticate")) is asked
    assert is_in(client, ada) is not asked
    if asked:
        client.post(reverse("mfa_authenticate"), {"code": one_time_code()})
        assert is_in(client, ada)


def test_clinic_may_trust_no_word_for_two_factors(client: Client, ada: User, oidc: Oidc, settings: LazySettings) -> None:
    strict = switch_on(settings, dataclasses.replace(oidc, mfa=frozenset()))
    say(strict, email=ada.email, amr=["mfa"], acr="mfa")
    assert come_back(client, strict).headers["Location"] == reverse("mfa_authenticate")


def test_administrators_need_a_factor_of_their_own(client: Client, oidc: Oidc) -> None:
    lea = make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR)
    say(oidc, email=lea.email, amr=["mfa"])
    assert come_back(client, oidc).headers["Location"] == reverse("mfa_authenticate")
    max_ = User.objects.create_user("max@clinic.test", display_name="Max Admin", role=User.Role.ADMINISTRATOR)
    say(oidc, "u-2", email=max_.email, amr=["mfa"])
    other = Client()
    come_back(other, oidc, "u-2")
    assert other.get("/people/").headers["Location"] == reverse("mfa_index")


@pytest.mark.parametrize("path", ["/emergency/", "/settings/api-keys/new/", "/patients/csv/"])
def test_what_asks_again_needs_a_factor_of_ones_own(client: Client, cem: User, oidc: Oidc, path: str) -> None:
    User.objects.update(may_export=True)
    say(oidc, amr=["mfa"])
    come_back(client, oidc)
    assert client.get(path).headers["Location"] == reverse("mfa_index")
    assert client.post(path).headers["Location"] == reverse("mfa_index")
    assert "Set up a second factor of your own first" in client.get(reverse("mfa_index")).content.decode()


def test_change_that_asks_again_needs_a_factor_of_ones_own(client: Client, cem: User, oidc: Oidc) -> None:
    patient = make_patient(cem)
    say(oidc, amr=["mfa"])
    come_back(client, oidc)
    assert client.get(f"/patients/{patient.pk}/care/").status_code == 200
    assert client.post(reverse("patients:responsible", args=[patient.pk])).headers["Location"] == reverse("mfa_index")


def test_stranger_gets_no_account(client: Client, cem: User, oidc: Oidc) -> None:
    say(oidc, email="stranger@clinic.test", amr=["mfa"])
    assert refused(come_back(client, oidc), "No account here has your address.")
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 0)
    assert client.get("/session/").status_code == 401
    assert AccessLog.objects.get().detail["reason"] == "unknown"


@pytest.mark.parametrize("verified", [False, None, "no"])
def test_address_that_is_not_verified_finds_no_account(client: Client, cem: User, oidc: Oidc, verified: Claim) -> None:
    say(oidc, email_verified=verified)
    assert refused(come_back(client, oidc), "does not say that your e-mail address is verified")
    assert not SocialAccount.objects.exists()


def test_clinic_may_say_that_all_addresses_are_verified(client: Client, cem: User, oidc: Oidc, settings: LazySettings) -> None:
    trusting = switch_on(settings, dataclasses.replace(oidc, trusts_email=True))
    say(trusting, email_verified=None, email="Cem@Clinic.test")
    come_back(client, trusting)
    assert is_in(client, cem)


def test_disabled_account_stays_out(client: Client, cem: User, oidc: Oidc) -> None:
    User.objects.update(is_active=False)
    say(oidc, amr=["mfa"])
    assert refused(come_back(client, oidc), "Your account is disabled.")
    assert client.get("/session/").status_code == 401


def test_identity_counts_after_the_first_time_and_not_the_address(client: Client, cem: User, oidc: Oidc) -> None:
    say(oidc)
    come_back(client, oidc)
    say(oidc, email="aydin@clinic.test")  # married
    again = Client()
    come_back(again, oidc)
    assert is_in(again, cem)
    say(oidc, "u-2")  # someone new who got the address
    assert refused(come_back(Client(), oidc, "u-2"), "belongs to another identity")


def test_signed_in_person_takes_on_no_other_identity(client: Client, cem: User, ada: User, oidc: Oidc) -> None:
    client.force_login(ada)
    say(oidc)
    gone = client.post(f"{GO}?process=connect").headers["Location"]
    back = urlsplit(requests.post(gone, data={"sub": "u-1"}, allow_redirects=False, timeout=5).headers["Location"])
    assert refused(client.get(f"{back.path}?{back.query}"), "did not confirm who you are")
    assert not SocialAccount.objects.exists()


def test_nothing_that_the_provider_says_is_stored(client: Client, ada: User, oidc: Oidc) -> None:
    for _ in range(2):  # the first time makes the link, the second reads it; both wait for our factor
        say(oidc, email=ada.email, name="Ada Privately", groups=["psychiatry"])
        come_back(Client(), oidc)
    link = SocialAccount.objects.get()
    assert (link.uid, link.extra_data) == ("u-1", {})
    assert not SocialToken.objects.exists()
    store = import_module("clinic.sessions").SessionStore
    kept = str([store(row.session_key).load() for row in Session.objects.all()])
    assert "mfa" in kept  # a sign-in that waits
    for secret in ("Privately", "psychiatry", "access_token"):
        assert secret not in kept


def test_first_sign_in_leaves_rights_and_password_alone(client: Client, ada: User, oidc: Oidc) -> None:
    say(oidc, email=ada.email, amr=["mfa"])
    User.objects.update(may_export=False)
    come_back(client, oidc)
    ada.refresh_from_db()
    assert (ada.may_export, ada.check_password(PASSWORD)) == (False, True)


def test_whom_the_provider_signs_in_comes_in_no_other_way(client: Client, ada: User, oidc: Oidc) -> None:
    say(oidc, email=ada.email, amr=["mfa"])
    come_back(client, oidc)
    other = Client()
    answer = other.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    assert refused(answer, "Your account signs in with Uni Hospital.")
    assert other.get(reverse("mfa_authenticate")).status_code == 302
    assert AccessLog.objects.last().detail["reason"] == "only"  # type: ignore[union-attr]  # there is one
    call_command("forget_provider", ada.email)
    answer = other.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    assert answer.headers["Location"] == reverse("mfa_authenticate")
    with pytest.raises(CommandError, match="signs in no one"):
        call_command("forget_provider", ada.email)


@pytest.fixture
def with_groups(oidc: Oidc, settings: LazySettings) -> Oidc:
    """Let groups of the provider decide the role."""
    return switch_on(settings, dataclasses.replace(oidc, roles=ROLES))


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["staff", "psychiatry"], "clinician"), (["trials"], "researcher"), (["trials", "it-admins"], "administrator")],
)
def test_groups_decide_the_role_at_each_sign_in(client: Client, ada: User, with_groups: Oidc, groups: list[str], role: str) -> None:
    key = ApiToken.issue(ada)
    say(with_groups, email=ada.email, groups=groups)
    come_back(client, with_groups)
    ada.refresh_from_db()
    assert (ada.role, ada.is_active) == (role, True)
    token = ApiToken.find(key)
    assert token is not None
    assert (token.revoked_at is None) is (role == "clinician")
    changed = [entry.detail["changed"] for entry in AccessLog.objects.filter(action="permission")]
    assert changed == ([] if role == "clinician" else ["role by provider"])


def test_role_is_gone_with_the_group_and_every_session_with_it(client: Client, ada: User, ines: Patient, with_groups: Oidc) -> None:
    say(with_groups, email=ada.email, groups=["psychiatry"], amr=["mfa"])
    come_back(client, with_groups)
    assert client.get(f"/patients/{ines.pk}/").status_code == 200
    say(with_groups, email=ada.email, groups=["parking"], amr=["mfa"])
    assert refused(come_back(Client(), with_groups), "None of your groups at Uni Hospital has access.")
    assert client.get(f"/patients/{ines.pk}/").status_code == 302  # their other session
    ada.refresh_from_db()
    assert not ada.is_active
    details = [entry.detail for entry in AccessLog.objects.filter(action="permission")]
    assert [(each["changed"], each["is_active"]) for each in details] == [("no group at provider", False)]


@pytest.mark.parametrize("groups", [None, "psychiatry"])
def test_provider_that_names_no_groups_disables_no_one(client: Client, ada: User, with_groups: Oidc, groups: Claim) -> None:
    say(with_groups, email=ada.email, groups=groups)
    assert refused(come_back(client, with_groups), "did not say which groups you are in")
    ada.refresh_from_db()
    assert (ada.role, ada.is_active) == ("clinician", True)


def test_last_administrator_is_never_removed(client: Client, with_groups: Oidc) -> None:
    lea = make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR)
    max_ = make_clinician("Max Admin", "max@clinic.test", role=User.Role.ADMINISTRATOR)
    say(with_groups, email=lea.email, groups=["parking"])
    say(with_groups, "u-2", email=max_.email, groups=["psychiatry"])
    assert come_back(client, with_groups).status_code == 403
    assert come_back(Client(), with_groups, "u-2").status_code == 302
    stands = User.objects.order_by("pk").values_list("email", "role", "is_active")
    assert list(stands) == [("lea@clinic.test", "administrator", False), ("max@clinic.test", "administrator", True)]


def test_key_of_someone_who_may_have_left_stops(client: Client, ada: User, oidc: Oidc) -> None:
    key = {"Authorization": f"Bearer {ApiToken.issue(ada)}"}
    User.objects.update(last_login=timezone.now() - timedelta(days=31))
    assert Client().get("/api/v1/me/", headers=key).status_code == 200  # the provider does not know them
    say(oidc, email=ada.email, amr=["mfa"])
    come_back(client, oidc)
    assert Client().get("/api/v1/me/", headers=key).status_code == 200
    User.objects.update(last_login=timezone.now() - timedelta(days=31))
    assert Client().get("/api/v1/me/", headers=key).status_code == 401
    assert AccessLog.objects.last().detail["reason"] == "absent"  # type: ignore[union-attr]  # there is one


def test_who_gives_up_at_the_provider_is_back_at_sign_in(client: Client, oidc: Oidc) -> None:
    gone = client.post(GO).headers["Location"]
    denied = requests.post(gone, data={"action": "deny"}, allow_redirects=False, timeout=5).headers["Location"]
    state = parse_qs(urlsplit(gone).query)["state"][0]
    back = urlsplit(denied)
    answer = client.get(f"{back.path}?{back.query}&state={state}")
    assert answer.headers["Location"] == reverse("account_login")


@pytest.mark.parametrize("query", ["", "?code=made-up", "?code=made-up&state=made-up", "?error=server_error&state=x"])
def test_return_that_we_did_not_send_for_is_refused(client: Client, cem: User, oidc: Oidc, query: str) -> None:
    assert refused(client.get(f"{GO}callback/{query}"), "Uni Hospital did not confirm who you are.")


def test_return_belongs_to_the_browser_that_left(client: Client, cem: User, oidc: Oidc) -> None:
    say(oidc, amr=["mfa"])
    gone = client.post(GO).headers["Location"]
    back = urlsplit(requests.post(gone, data={"sub": "u-1"}, allow_redirects=False, timeout=5).headers["Location"])
    assert refused(Client().get(f"{back.path}?{back.query}"), "did not confirm who you are")
    asked = parse_qs(urlsplit(gone).query)
    assert (asked["code_challenge_method"], set(asked["scope"][0].split())) == (["S256"], {"openid", "profile", "email"})


def test_provider_that_is_down_is_no_fault(client: Client, oidc: Oidc, settings: LazySettings) -> None:
    switch_on(settings, dataclasses.replace(oidc, server="http://localhost:1"))
    answer = client.post(GO)
    assert answer.status_code == 503
    assert "Uni Hospital does not answer." in answer.content.decode()


def test_button_is_there_only_with_a_provider(client: Client, server: str, settings: LazySettings) -> None:
    assert "Sign in with" not in client.get("/accounts/login/").content.decode()
    assert client.post(GO).status_code == 404
    assert client.get(f"{GO}callback/?code=x&state=y").status_code == 404
    switch_on(settings, Oidc(server=server, client_id="affectline", secret="of one test", name="Uni Hospital"))
    page = client.get("/accounts/login/?next=/studies/").content.decode()
    assert "Sign in with Uni Hospital" in page
    assert page.count('name="next" value="/studies/"') == 3  # for the password, the provider and a passkey
    assert client.get(GO).status_code == 405


GIVEN = {
    "OIDC_SERVER": "https://id.hospital.example/realms/staff/",
    "OIDC_CLIENT_ID": "affectline",
    "OIDC_CLIENT_SECRET": "secret",
    "OIDC_NAME": "Uni Hospital",
    "OIDC_ROLES": "cn=psy=ward=clinician, trials=researcher",
    "OIDC_MFA": "none",
    "OIDC_ORIGINS": "https://adfs.hospital.example",
}


def test_provider_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert oidc_from_environment() is None
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    found = oidc_from_environment()
    assert found is not None
    assert (found.server, found.name) == ("https://id.hospital.example/realms/staff", "Uni Hospital")
    assert found.roles == (("cn=psy=ward", "clinician"), ("trials", "researcher"))
    assert (found.mfa, found.trusts_email) == (frozenset(), False)
    assert found.all_origins == ["https://id.hospital.example", "https://adfs.hospital.example"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"OIDC_SERVER": "http://id.hospital.example"}, "must begin with https"),
        ({"OIDC_CLIENT_ID": ""}, "needs OIDC_CLIENT_ID"),
        ({"OIDC_ROLES": "psychiatry=doctor"}, "needs GROUP=ROLE"),
    ],
)
def test_provider_that_cannot_be_right_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], words: str) -> None:
    for name, value in (GIVEN | wrong).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        oidc_from_environment()
