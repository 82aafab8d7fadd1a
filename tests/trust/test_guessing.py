"""Guessing passwords is slowed down where it happens; the owner of the account still signs in, and is told."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from django.urls import reverse

from patients.models import AccessLog, User
from tests.factories import PASSWORD, make_clinician, one_time_code
from tests.trust.passkey import Passkey
from tests.trust.test_sessions import NOON

pytestmark = pytest.mark.django_db
HOME, AWAY = "192.0.2.10", "198.51.100.{}"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Freeze time, so that no one-time code and no limit runs out during a test."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def enter(client: Client, email: str, password: str, address: str) -> str:
    """Return the outcome of a password entered from `address`: in (asks for the second factor), wrong or slow."""
    answer = client.post(reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address)
    if answer.status_code == 302:
        assert answer.headers["Location"] == reverse("mfa_authenticate")
        return "in"
    return "slow" if "Too many" in answer.content.decode() else "wrong"


def guess(email: str, times: int, networks: int = 1) -> list[str]:
    """Return the outcomes of wrong passwords from elsewhere, from one network after the other."""
    return [enter(Client(), email, "not the password", f"203.0.{k % networks}.9") for k in range(times)]


def test_guessing_from_elsewhere_does_not_lock_the_owner_out(ada: User) -> None:
    assert guess(ada.email, 7) == ["wrong"] * 5 + ["slow"] * 2
    assert enter(Client(), ada.email, PASSWORD, HOME) == "in"
    assert guess(ada.email, 40, networks=8).count("wrong") == 35  # five each, and none from the first
    assert enter(Client(), ada.email, PASSWORD, HOME) == "in"


def test_right_password_is_slowed_down_where_wrong_ones_came_from(ada: User, clock: time_machine.Traveller) -> None:
    guess(ada.email, 5)
    assert enter(Client(), ada.email, PASSWORD, "203.0.0.77") == "slow"  # the same network
    clock.shift(timedelta(minutes=5, seconds=1))
    assert enter(Client(), ada.email, PASSWORD, "203.0.0.77") == "in"


def used_by(user: User) -> Client:
    """Return a browser in which the user has signed in and out."""
    client = Client()
    assert enter(client, user.email, PASSWORD, HOME) == "in"
    assert client.post(reverse("mfa_authenticate"), {"code": one_time_code()}).status_code == 302
    assert get_user(client) == user
    client.post(reverse("account_logout"))
    return client


def test_guesses_of_others_do_not_slow_down_the_owner_s_browser(ada: User) -> None:
    own = used_by(ada)
    for k in range(60):  # from their own network, and from many others
        enter(Client(), ada.email, "not the password", HOME if k < 10 else f"203.0.{k}.9")
    assert enter(Client(), ada.email, PASSWORD, HOME) == "slow"
    assert enter(own, ada.email, PASSWORD, HOME) == "in"


def test_guessing_in_the_browser_of_the_owner_is_slowed_down_too(ada: User) -> None:
    own = used_by(ada)
    assert [enter(own, ada.email, "not the password", AWAY.format(k)) for k in range(6)] == ["wrong"] * 5 + ["slow"]


def test_browser_of_one_person_is_a_stranger_to_another(ada: User, bo: User) -> None:
    own = used_by(ada)
    guess(bo.email, 5)
    assert enter(own, bo.email, PASSWORD, "203.0.0.9") == "slow"


def test_browser_that_two_people_use_knows_both(ada: User, bo: User, clock: time_machine.Traveller) -> None:
    shared = used_by(ada)
    enter(shared, bo.email, PASSWORD, HOME)
    shared.post(reverse("mfa_authenticate"), {"code": one_time_code()})
    shared.post(reverse("account_logout"))
    for person in (ada, bo):
        for _ in range(5):
            enter(Client(), person.email, "not the password", HOME)
        assert enter(shared, person.email, PASSWORD, HOME) == "in"


@pytest.mark.parametrize("cookie", ["", "made up", '["x", ["*"]]:1:x'])
def test_made_up_cookie_knows_no_one(ada: User, settings: LazySettings, cookie: str) -> None:
    guess(ada.email, 5)
    client = Client()
    client.cookies[settings.DEVICE_COOKIE_NAME] = cookie
    assert enter(client, ada.email, PASSWORD, "203.0.0.9") == "slow"


def test_cookie_names_no_one_and_is_for_the_server_alone(ada: User, settings: LazySettings) -> None:
    cookie = used_by(ada).cookies[settings.DEVICE_COOKIE_NAME]
    assert "ada" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_strangers_together_are_slowed_down(ada: User, clock: time_machine.Traveller, settings: LazySettings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"password_of_strangers": "12/h/key"}
    assert guess(ada.email, 15, networks=15) == ["wrong"] * 12 + ["slow"] * 3
    clock.shift(timedelta(hours=1, seconds=1))
    assert guess(ada.email, 1, networks=200) == ["wrong"]


def test_passkey_signs_in_while_passwords_are_slowed_down(ada: User) -> None:
    key, own = Passkey(), Client()
    own.force_login(ada)
    own.post(reverse("account_reauthenticate"), {"password": PASSWORD}, secure=True)
    options = own.get(reverse("mfa_add_webauthn"), secure=True).context["js_data"]["creation_options"]
    fields = {"name": "Phone", "passwordless": "on", "credential": key.register(options)}
    assert own.post(reverse("mfa_add_webauthn"), fields, secure=True).status_code == 302
    for k in range(20):
        enter(Client(), ada.email, "not the password", HOME if k < 10 else f"203.0.{k}.9")
    new = Client(REMOTE_ADDR=HOME)
    assert enter(new, ada.email, PASSWORD, HOME) == "slow"
    asked = new.get(reverse("mfa_login_webauthn"), headers={"X-Requested-With": "XMLHttpRequest"}, secure=True)
    answer = key.sign_in(json.loads(asked.content)["request_options"])
    assert new.post(reverse("mfa_login_webauthn"), {"credential": answer}, secure=True).status_code == 302
    assert get_user(new) == ada


def test_owner_and_administrators_are_told_once_a_day(ada: User, bo: User, clock: time_machine.Traveller) -> None:
    make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR, language="de")
    make_clinician("Max Former", "max@clinic.test", role=User.Role.ADMINISTRATOR, is_active=False)
    guess(ada.email, 10, networks=10)
    assert mail.outbox == []
    guess(ada.email, 20, networks=30)
    assert [message.to for message in mail.outbox] == [["ada@clinic.test"], ["lea@clinic.test"]]
    assert "More than ten attempts to sign in to your Affectline account failed" in mail.outbox[0].body
    assert "als Dr Ada Lind (ada@clinic.test)" in mail.outbox[1].body
    clock.shift(timedelta(hours=2))
    guess(ada.email, 20, networks=50)
    assert len(mail.outbox) == 2
    clock.shift(timedelta(hours=23))
    guess(ada.email, 20, networks=70)
    assert len(mail.outbox) == 4


def test_wrong_codes_count_too(ada: User, clock: time_machine.Traveller) -> None:
    client = Client()
    enter(client, ada.email, PASSWORD, HOME)
    for _ in range(11):
        clock.shift(timedelta(seconds=80))
        wrong = f"{(int(one_time_code()) + 1) % 1_000_000:06}"
        client.post(reverse("mfa_authenticate"), {"code": wrong})
    assert AccessLog.objects.filter(detail__factor="code").count() == 11
    assert [message.to for message in mail.outbox] == [["ada@clinic.test"]]


def test_no_one_is_told_of_an_account_that_does_not_exist(ada: User) -> None:
    guess("unknown@clinic.test", 20, networks=20)
    assert mail.outbox == []
