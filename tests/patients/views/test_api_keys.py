"""The page of one's own API keys."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from patients.models import AccessLog, ApiToken, User
from tests.factories import PASSWORD, make_clinician

pytestmark = pytest.mark.django_db
PAGE, NEW = "/settings/api-keys/", "/settings/api-keys/new/"
WANTED = {"name": "Ward dashboard", "scope": "read", "days": "30"}


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the browser of Dr Ada, who has just entered her password again."""
    client = Client()
    client.force_login(ada)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_key_is_shown_once_and_works(browser: Client, ada: User) -> None:
    page = browser.post(NEW, WANTED, follow=True).content.decode()
    found = re.search(r'value="(afl_[^"]+)"', page)
    assert found is not None
    key = found[1]
    assert Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    token = ApiToken.objects.get()
    assert (token.clinician, token.name, token.scope) == (ada, "Ward dashboard", "read")
    assert token.expires_at - token.created_at == timedelta(days=30)
    again = browser.get(PAGE).content.decode()
    assert key not in again
    assert key[:10] in again


def test_key_is_in_no_session_as_it_is(browser: Client) -> None:
    browser.post(NEW, WANTED)
    assert browser.session["new_api_key"].startswith("YWwx")


def test_making_a_key_is_logged_and_told(browser: Client, ada: User) -> None:
    browser.post(NEW, WANTED)
    entry = AccessLog.objects.filter(action="permission").get()
    prefix = ApiToken.objects.get().prefix
    assert entry.detail == {"changed": "key made", "key_prefix": prefix, "scope": "read", "days": 30}
    assert (entry.actor, entry.object_id) == (ada, str(ada.pk))
    assert [message.to for message in mail.outbox] == [[ada.email]]
    assert "“Ward dashboard”" in mail.outbox[0].body


def test_password_is_asked_for_before_a_key_is_made(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    assert client.get(NEW).headers["Location"].startswith(reverse("account_reauthenticate"))
    assert client.post(NEW, WANTED).headers["Location"] == NEW
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scope": "all"}, {"days": "366"}, {"days": "0"}])
def test_no_key_without_a_name_or_for_more_than_a_year(browser: Client, wrong: dict[str, str]) -> None:
    assert browser.post(NEW, WANTED | wrong).status_code == 200
    assert not ApiToken.objects.exists()


def test_own_key_is_revoked_and_no_one_elses(browser: Client, ada: User, bo: User) -> None:
    ApiToken.issue(ada, "Mine")
    ApiToken.issue(bo, "Theirs")
    mine, theirs = ApiToken.objects.get(clinician=ada), ApiToken.objects.get(clinician=bo)
    assert "Theirs" not in browser.get(PAGE).content.decode()
    assert browser.post(f"{PAGE}{theirs.pk}/revoke/").status_code == 404
    assert browser.post(f"{PAGE}{mine.pk}/revoke/").headers["Location"] == PAGE
    assert list(ApiToken.objects.open()) == [theirs]
    assert AccessLog.objects.filter(action="permission").get().detail == {"changed": "key revoked", "key_prefix": mine.prefix}
    assert "Mine" not in browser.get(PAGE).content.decode()


def test_administrator_has_no_keys(client: Client) -> None:
    client.force_login(make_clinician("Lea Admin", "lea@clinic.test", role=User.Role.ADMINISTRATOR))
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/settings/").content.decode()
