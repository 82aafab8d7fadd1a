"""API keys: what they may do, how long, what they rest on, and what becomes of those that are refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, Patient, User
from tests.factories import PASSWORD, make_clinician, prove

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def answer_to(key: str, method: str = "get", path: str = "me/", **sent: Any) -> tuple[int, str]:
    """Return the status of the answer to a request with the key, and the code of its error."""
    answer = getattr(APIClient(), method)(f"/api/v1/{path}", headers={"authorization": f"Bearer {key}"}, **sent)
    return answer.status_code, "" if answer.status_code < 400 else answer.json()["code"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer afl_wrong", "Bearer a b", "bearer \xff"])
def test_wrong_key_is_refused(db: None, header: str) -> None:
    response = APIClient().get("/api/v1/patients/", headers={"authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_key")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_key_is_stored_as_a_hash_only(ada: User) -> None:
    key = ApiToken.issue(ada)
    stored = ApiToken.objects.values().get()
    assert key[10:] not in str(stored)
    assert stored["prefix"] == key[:10]


def test_key_that_may_read_changes_nothing(ada: User, ines: Patient) -> None:
    key = ApiToken.issue(ada, scope="read")
    assert answer_to(key, path="patients/") == (200, "")
    for method, path in (("post", "patients/"), ("patch", f"patients/{ines.pk}/"), ("post", f"patients/{ines.pk}/report/")):
        assert answer_to(key, method, path) == (403, "read_only_key")
    assert answer_to(ApiToken.issue(ada, scope="write"), "patch", f"patients/{ines.pk}/") == (200, "")


def test_key_lasts_90_days_if_no_one_says_otherwise(ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        key = ApiToken.issue(ada)
    with time_machine.travel(NOON + timedelta(days=90, seconds=-1), tick=False):
        assert answer_to(key) == (200, "")
    with time_machine.travel(NOON + timedelta(days=90), tick=False):
        assert answer_to(key) == (401, "key_expired")
    assert AccessLog.objects.get().detail == {"key_prefix": key[:10], "reason": "expired"}


def change_password(ada: User) -> None:
    browser = Client()
    browser.force_login(ada)
    words = {"oldpassword": PASSWORD, "password1": "a calm long phrase", "password2": "a calm long phrase"}
    assert browser.post(reverse("account_change_password"), words).status_code == 302


def change_password_by_command(ada: User) -> None:
    ada.set_password("a calm long phrase")
    ada.save()


ENDS: dict[str, Callable[[User], object]] = {
    "password": change_password,
    "password by command": change_password_by_command,
    "role": lambda ada: User.objects.filter(pk=ada.pk).update(role=User.Role.RESEARCHER),
    "factor": lambda ada: Authenticator.objects.filter(user=ada).delete(),
    "account": lambda ada: User.objects.filter(pk=ada.pk).update(is_active=False),
    "revoked": ApiToken.revoke_all,
}


@pytest.mark.parametrize("end", ENDS)
def test_key_ends_with_what_it_rests_on(ada: User, end: str) -> None:
    key = ApiToken.issue(ada)
    assert answer_to(key) == (200, "")
    ENDS[end](ada)
    assert answer_to(key) == (401, "invalid_key")


def test_renewed_hash_of_the_same_password_ends_no_key(ada: User, settings: LazySettings) -> None:
    key = ApiToken.issue(ada)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    before = ada.password
    assert ada.check_password(PASSWORD)
    assert ada.password != before
    assert answer_to(key) == (200, "")


def test_change_of_the_password_says_in_the_log_how_many_keys_ended(ada: User) -> None:
    for _ in range(2):
        ApiToken.issue(ada)
    change_password(ada)
    details = [entry.detail for entry in AccessLog.objects.filter(action="permission")]
    assert details == [{"changed": "keys revoked", "keys": 2}, {"changed": "password_changed"}]


def test_change_of_the_role_ends_keys_for_good(ada: User) -> None:
    key, administrator = ApiToken.issue(ada), Client()
    administrator.force_login(make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR))
    prove(administrator)
    rights = {"display_name": ada.display_name, "may_export": "on", "is_active": "on"}
    for role in ("researcher", "clinician"):
        administrator.post(f"/people/{ada.pk}/", rights | {"role": role})
    ada.refresh_from_db()
    assert ada.role == "clinician"
    assert answer_to(key) == (401, "invalid_key")


def test_key_is_slowed_down_and_others_are_not(ada: User, bo: User, settings: LazySettings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    key = ApiToken.issue(ada)
    with time_machine.travel(NOON + timedelta(seconds=20), tick=False):
        assert [answer_to(key)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
        answer = APIClient().get("/api/v1/me/", headers={"authorization": f"Bearer {key}"})
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("throttled", "40")
        assert answer_to(ApiToken.issue(bo)) == (200, "")
    with time_machine.travel(NOON + timedelta(seconds=60), tick=False):
        assert answer_to(key) == (200, "")


def test_use_of_a_key_is_noted_with_its_network(ada: User) -> None:
    key = ApiToken.issue(ada)
    for seconds, address in ((0, "192.0.2.77"), (7, "2001:db8:1:2::3")):
        with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
            answer_to(key, REMOTE_ADDR=address)
    token = ApiToken.objects.get()
    assert (token.last_used_at, token.last_network, token.requests) == (NOON + timedelta(seconds=7), "2001:db8:1::/48", 2)


def test_refused_key_is_logged_by_its_prefix_even_where_a_change_is_undone(ada: User) -> None:
    key = ApiToken.issue(ada)
    ApiToken.revoke_all(ada)
    for tried in (key, "afl_" + 39 * "x", "my own password"):
        answer_to(tried.replace(" ", ""), "post", "patients/", REMOTE_ADDR="192.0.2.77")
    entries = AccessLog.objects.filter(action=AccessLog.Action.SIGN_IN_FAILED)
    assert [(entry.object_id, entry.detail, entry.network) for entry in entries] == [
        (str(ada.pk), {"key_prefix": key[:10], "reason": "revoked"}, "192.0.2.0/24"),
        ("", {"key_prefix": "afl_xxxxxx", "reason": "unknown"}, "192.0.2.0/24"),
        ("", {"key_prefix": "", "reason": "unknown"}, "192.0.2.0/24"),
    ]


def test_wrong_keys_are_limited_per_network_and_shut_out_no_valid_one(ada: User) -> None:
    key = ApiToken.issue(ada)
    wrong = [answer_to("afl_wrong", REMOTE_ADDR=f"192.0.2.{k}") for k in range(22)]
    assert wrong == [(401, "invalid_key")] * 20 + [(429, "throttled")] * 2
    assert AccessLog.objects.count() == 20
    assert answer_to(key, REMOTE_ADDR="192.0.2.7") == (200, "")
    assert answer_to("afl_wrong", REMOTE_ADDR="198.51.100.7") == (401, "invalid_key")


def test_keys_from_before_work_for_90_days_more(ada: User) -> None:
    key = ApiToken.issue(ada, scope="read")
    ApiToken.objects.update(prefix="", role="administrator", created_at=NOON - timedelta(days=900), expires_at=NOON)
    migration = import_module("patients.migrations.0107_keys_with_limits")
    with time_machine.travel(NOON, tick=False):
        migration.end_old_keys_later(apps, None)
    token = ApiToken.objects.get()
    assert (token.role, token.scope, token.expires_at) == ("clinician", "write", NOON + timedelta(days=90))
    with time_machine.travel(NOON + timedelta(days=89), tick=False):
        assert answer_to(key) == (200, "")
    token.refresh_from_db()
    assert token.prefix == key[:10]


def test_command_prints_a_key_that_works(ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_token", "ada@clinic.test", name="Ward", scope="write", days=365)
    key = capsys.readouterr().out.strip()
    assert answer_to(key) == (200, "")
    call_command("api_token", "ada@clinic.test", revoke_all=True)
    assert answer_to(key) == (401, "invalid_key")
    details = [entry.detail for entry in AccessLog.objects.filter(action="permission")]
    made = {"changed": "key made", "key_prefix": key[:10], "scope": "write", "days": 365}
    assert details == [made, {"changed": "keys revoked", "keys": 1}]
    with pytest.raises(CommandError, match="No account has the address"):
        call_command("api_token", "unknown@clinic.example")
    with pytest.raises(CommandError, match="from 1 to 365 days"):
        call_command("api_token", "ada@clinic.test", days=366)


def test_program_sees_until_when_its_key_works(ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        key = ApiToken.issue(ada, "Ward", "read", 30)
        me = APIClient().get("/api/v1/me/", headers={"authorization": f"Bearer {key}"}).json()
    assert me["key"] == {
        "id": ApiToken.objects.get().pk,
        "name": "Ward",
        "scope": "read",
        "created_at": "2026-11-30T12:00:00Z",
        "expires_at": "2026-12-30T12:00:00Z",
        "last_used_at": None,
    }
