"""A form that is sent twice makes one visit or one event; sent on purpose, it makes another."""

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from patients.models import AccessLog, Event, Patient, User, Visit
from tests.factories import make_clinician, make_patient
from tests.threads import AT_ONCE, each_in_a_thread, share_database

VISIT = {"date": "2026-11-20", "note": "Sleeps better."}
EVENT = {"kind": "therapy", "label": "Group started", "starts_on": "2026-11-20"}


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the browser of Dr Ada, signed in."""
    client = Client()
    client.force_login(ada)
    return client


def token(browser: Client, path: str) -> dict[str, str]:
    """Return what the page of the form sends along."""
    (found,) = re.findall(r'name="form_token"\s+value="([0-9a-f-]{36})"', browser.get(path).content.decode())
    return {"form_token": found}


@pytest.mark.parametrize("has_token", [True, False])
@pytest.mark.parametrize(("what", "fields", "model"), [("visits", VISIT, Visit), ("events", EVENT, Event)])
def test_form_that_arrives_several_times_at_once_makes_one(
    transactional_db: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    fields: dict[str, str],
    model: type[Visit] | type[Event],
    has_token: bool,
) -> None:
    ada = make_clinician()
    path = f"/patients/{make_patient(ada).pk}/{what}/new/"
    browser = Client()
    browser.force_login(ada)
    sent = fields | (token(browser, path) if has_token else {})
    share_database(tmp_path, monkeypatch)
    together = threading.Barrier(AT_ONCE, timeout=60)

    def send() -> str:
        own = Client()
        own.cookies = browser.cookies
        together.wait()
        return str(own.post(path, sent).headers["Location"])

    assert len(set(each_in_a_thread(send))) == 1
    assert each_in_a_thread(lambda: str(model._default_manager.count())) == ["1"] * AT_ONCE


@pytest.mark.django_db
def test_form_that_is_sent_again_hours_later_opens_the_visit_it_made(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/visits/new/"
    sent = VISIT | token(browser, path)
    first = browser.post(path, sent).headers["Location"]
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert browser.post(path, sent).headers["Location"] == first
    assert AccessLog.objects.about(ines).filter(action="add").count() == 1


@pytest.mark.django_db
def test_second_visit_of_a_day_is_made_on_purpose(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/visits/new/"
    for _ in range(2):
        browser.post(path, VISIT | token(browser, path))
    assert Visit.objects.count() == 2
    sent = token(browser, path)
    browser.post(path, VISIT | sent)
    browser.post(path, VISIT | sent | {"note": "Went back and wrote more."})
    assert Visit.objects.count() == 4


@pytest.mark.django_db
def test_same_visit_without_a_page_is_another_one_after_a_while(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/visits/new/"
    browser.post(path, VISIT)
    with time_machine.travel(timezone.now() + timedelta(seconds=30), tick=False):
        browser.post(path, VISIT | {"form_token": "no token"})
    assert Visit.objects.count() == 2


@pytest.mark.django_db
def test_colleagues_make_a_visit_each(browser: Client, bo: User, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/visits/new/"
    ines.assign(bo)
    of_bo = Client()
    of_bo.force_login(bo)
    sent = VISIT | token(browser, path)
    for each in (browser, of_bo):
        each.post(path, sent)
    assert Visit.objects.count() == 2
