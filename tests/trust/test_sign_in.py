"""Sign-in with a second factor: enforced for people and their keys, and not bypassed by a password reset."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.contrib.auth import get_user
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from clinic import settings as clinic_settings
from patients.models import ApiToken, Patient, User
from tests.factories import PASSWORD, TOTP_SECRET, make_clinician, one_time_code
from tests.trust.test_sessions import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def cem(db: None) -> User:
    """Return Dr Cem, who has a password and no second factor yet."""
    return User.objects.create_user("cem@clinic.test", PASSWORD, display_name="Dr Cem Aydin")


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Freeze time, so that no one-time code expires during a test."""
    with time_machine.travel(NOON, tick=False):
        yield


def enter_password(client: Client, user: User) -> str:
    """Return the address that the right password redirects to."""
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return str(answer.headers["Location"])


def sign_in(client: Client, user: User) -> None:
    assert enter_password(client, user) == reverse("mfa_authenticate")
    client.post(reverse("mfa_authenticate"), {"code": one_time_code()})
    assert is_signed_in(client, user)


def is_signed_in(client: Client, user: User) -> bool:
    return client.get("/session/").status_code == 200 and get_user(client).pk == user.pk


def test_password_alone_signs_no_one_in(client: Client, ada: User) -> None:
    assert enter_password(client, ada) == reverse("mfa_authenticate")
    assert not is_signed_in(client, ada)
    assert client.get("/patients/").status_code == 302


def test_wrong_code_is_refused_and_the_right_one_signs_in(client: Client, ada: User) -> None:
    enter_password(client, ada)
    wrong = f"{(int(one_time_code()) + 1) % 1_000_000:06}"
    client.post(reverse("mfa_authenticate"), {"code": wrong})
    assert not is_signed_in(client, ada)
    client.post(reverse("mfa_authenticate"), {"code": one_time_code()})
    assert is_signed_in(client, ada)


def test_code_works_once(client: Client, ada: User) -> None:
    sign_in(client, ada)
    second = Client()
    enter_password(second, ada)
    second.post(reverse("mfa_authenticate"), {"code": one_time_code()})
    assert not is_signed_in(second, ada)


def test_guessing_codes_is_slowed_down(client: Client, ada: User) -> None:
    enter_password(client, ada)
    wrong = f"{(int(one_time_code()) + 1) % 1_000_000:06}"
    for _ in range(6):
        client.post(reverse("mfa_authenticate"), {"code": wrong})
    client.post(reverse("mfa_authenticate"), {"code": one_time_code()})
    assert not is_signed_in(client, ada)


def test_guessing_passwords_is_slowed_down(client: Client, ada: User) -> None:
    for _ in range(6):
        client.post(reverse("account_login"), {"login": ada.email, "password": "not the password"})
    answer = client.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert "Too many" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/patients/", "/settings/", "/model-card/", "/accounts/sessions/", "/accounts/password/change/", "/"]
)
def test_without_a_factor_every_page_leads_to_enrolment(client: Client, cem: User, path: str) -> None:
    client.force_login(cem)
    assert client.get(path).headers["Location"] == reverse("mfa_index")


def test_without_a_factor_the_api_refuses_a_session(client: Client, cem: User) -> None:
    client.force_login(cem)
    answer = client.get("/api/v1/patients/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")


def test_without_a_factor_a_part_of_a_page_leads_to_enrolment(client: Client, cem: User) -> None:
    client.force_login(cem)
    assert client.get("/patients/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == reverse("mfa_index")


def test_key_of_someone_without_a_factor_is_not_valid(client: Client, cem: User) -> None:
    answer = client.get("/api/v1/patients/", headers={"Authorization": f"Bearer {ApiToken.issue(cem)}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")


def test_enrolment_opens_the_pages_and_gives_recovery_codes(client: Client, cem: User) -> None:
    client.post(reverse("account_login"), {"login": cem.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = client.session["mfa.totp.secret"]
    assert secret in page
    answer = client.post(reverse("mfa_activate_totp"), {"code": one_time_code(secret)})
    assert answer.headers["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get("/patients/").status_code == 200
    assert set(Authenticator.objects.filter(user=cem).values_list("type", flat=True)) == {"totp", "recovery_codes"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mfa_index", "Authenticator app"),
        ("mfa_generate_recovery_codes", "Create new recovery codes?"),
        ("mfa_view_recovery_codes", "Recovery codes"),
        ("mfa_deactivate_totp", "Turn off the authenticator app?"),
        ("mfa_add_webauthn", "Add a passkey"),
        ("mfa_list_webauthn", "You have no passkeys."),
        ("mfa_reauthenticate", "Code from your app"),
        ("account_reauthenticate", "Enter your password to continue."),
        ("account_change_password", "Current password"),
        ("account_signup", "By invitation only"),
        ("account_inactive", "Account disabled"),
        ("account_reset_password", "Forgot your password?"),
        ("account_reset_password_done", "Check your e-mail"),
        ("account_reset_password_from_key_done", "Password saved"),
        ("usersessions_list", "Active sessions"),
    ],
)
def test_account_pages_are_worded_by_us(client: Client, ada: User, name: str, said: str) -> None:
    if not name.startswith(("account_signup", "account_inactive", "account_reset")):
        client.force_login(ada)
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        client.post(reverse("mfa_generate_recovery_codes"))
    for language in ("en", "de"):
        page = client.get(reverse(name), headers={"accept-language": language})
        assert page.status_code == 200
        assert (said in page.content.decode()) == (language == "en")


@pytest.mark.parametrize(("path", "reason"), [("/emergency/", "emergency access"), ("/accounts/2fa/", "two-factor sign-in")])
def test_password_is_asked_for_with_a_reason(client: Client, ada: User, path: str, reason: str) -> None:
    client.force_login(ada)
    page = client.get(reverse("account_reauthenticate"), {"next": path}).content.decode()
    assert reason in page.split("Enter your password to")[1].split("</p>")[0]


def test_owner_is_told_by_mail_that_the_password_changed(client: Client, ada: User) -> None:
    client.force_login(ada)
    change = {"oldpassword": PASSWORD, "password1": "a calm long phrase", "password2": "a calm long phrase"}
    assert client.post(reverse("account_change_password"), change).status_code == 302
    assert mail.outbox[-1].to == [ada.email]
    assert "password of your Affectline account was changed" in mail.outbox[-1].body


def test_secrets_of_factors_are_unreadable_in_the_database(ada: User) -> None:
    stored = Authenticator.objects.get(user=ada).data["secret"]
    assert TOTP_SECRET not in stored
    assert stored.startswith("YWwx")


def test_last_factor_cannot_be_removed(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.post(reverse("mfa_deactivate_totp"))
    assert "You cannot deactivate two-factor authentication." in page.content.decode()
    assert Authenticator.objects.filter(user=ada, type="totp").exists()


def test_password_reset_asks_for_the_second_factor(client: Client, ada: User) -> None:
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(ada), "key": default_token_generator.make_token(ada)},
    )
    form = client.get(path, follow=True).redirect_chain[-1][0]
    asked = client.post(form, {"password1": "a calm long phrase", "password2": "a calm long phrase"})
    assert asked.headers["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client, ada)
    client.post(reverse("account_logout"))
    answer = client.post(reverse("account_login"), {"login": ada.email, "password": "a calm long phrase"})
    assert answer.headers["Location"] == reverse("mfa_authenticate")


def test_password_has_twelve_characters_and_is_hashed_with_argon2(client: Client, ada: User, settings: LazySettings) -> None:
    client.force_login(ada)
    change = {"oldpassword": PASSWORD, "password1": "fjord lampe", "password2": "fjord lampe"}
    assert "at least 12 characters" in client.post(reverse("account_change_password"), change).content.decode()
    settings.PASSWORD_HASHERS = clinic_settings.PASSWORD_HASHERS
    assert make_password(PASSWORD).startswith("argon2$argon2id$")


def test_no_one_changes_the_address_of_an_account(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/accounts/email/").status_code == 404


def test_demo_asks_for_no_second_factor(client: Client, settings: LazySettings, cem: User) -> None:
    settings.MFA_REQUIRED = False
    client.force_login(cem)
    assert client.get("/patients/").status_code == 200


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "clinic.example"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "", "HTTP_HOST": "localhost"},
    ],
)
def test_demo_refuses_other_computers(client: Client, settings: LazySettings, extra: dict[str, str]) -> None:
    settings.DEMO, settings.ALLOWED_HOSTS = True, ["*"]
    assert client.get("/accounts/login/", **extra).status_code == 403  # type: ignore[arg-type]  # WSGI's own names


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:9000", "[::1]:8000"])
def test_demo_answers_this_computer_and_says_what_it_is(client: Client, settings: LazySettings, host: str) -> None:
    settings.DEMO, settings.ALLOWED_HOSTS = True, ["127.0.0.1", "localhost", "[::1]"]
    page = client.get("/accounts/login/", headers={"Host": host})
    assert page.status_code == 200
    for said in ("Demo with computer-generated faces.", "Do not enter real patients."):
        assert said in page.content.decode()


def test_visibility_of_a_key_ends_with_its_owner(client: Client, ada: User, ines: Patient) -> None:
    key = {"Authorization": f"Bearer {ApiToken.issue(ada)}"}
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 200
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get(f"/api/v1/patients/{ines.pk}/", headers=key).status_code == 401


def test_clinicians_of_the_tests_have_a_factor() -> None:
    assert make_clinician().has_factor


@pytest.fixture
def mails(settings: LazySettings) -> list[EmailMessage]:
    """Return the mails that are sent by a site with a name of its own, whose host answers probes too."""
    settings.ALLOWED_HOSTS = ["clinic.example", "127.0.0.1", "localhost"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mail.outbox


def test_password_link_leads_to_the_site_whatever_name_was_asked(client: Client, ada: User, mails: list[EmailMessage]) -> None:
    for host in ("127.0.0.1", "localhost:8000", "elsewhere.example"):
        assert client.post("/accounts/password/reset/", {"email": ada.email}, headers={"host": host}).status_code == 400
    assert mails == []
    assert client.get("/healthz", headers={"host": "127.0.0.1"}).status_code == 200
    client.post("/accounts/password/reset/", {"email": ada.email}, headers={"host": "clinic.example"})
    assert re.findall(r"https?://[^/]+/accounts/password/reset/key/", str(mails[0].body)) == [
        "http://clinic.example/accounts/password/reset/key/"
    ]


def test_no_mail_goes_to_an_address_without_an_account(client: Client, ada: User, mails: list[EmailMessage]) -> None:
    answers = [
        client.post("/accounts/password/reset/", {"email": email}, headers={"host": "clinic.example"})
        for email in ("unknown@elsewhere.example", ada.email)
    ]
    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [(302, "/accounts/password/reset/done/")] * 2
    assert [each.to for each in mails] == [[ada.email]]
