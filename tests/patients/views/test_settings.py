"""Settings: language, time zone and shortcuts; tours that are shown until they were seen."""

import re

import pytest
from django.test import Client

from patients.forms.settings import SettingsForm
from patients.models import Patient, User
from patients.readings.help import ANSWERS
from tests.factories import make_read_visits
from tests.patients.studies.groups import make_group

BARE = {"theme": "system", "time_zone": "", "idle_minutes": 15}


def test_language_time_zone_and_shortcuts_are_kept(browser: Client, ada: User) -> None:
    browser.post("/settings/", BARE | {"language": "de", "time_zone": "Europe/Vienna"})
    ada.refresh_from_db()
    assert (ada.language, ada.time_zone, ada.has_shortcuts) == ("de", "Europe/Vienna", False)
    page = browser.get("/settings/")
    assert page.headers["Content-Language"] == "de"
    assert b'<html lang="de"' in page.content
    assert b"data-shortcuts" not in page.content


def test_a_language_that_is_not_there_is_refused(browser: Client, ada: User) -> None:
    assert b"field--bad" in browser.post("/settings/", BARE | {"language": "xx"}).content
    ada.refresh_from_db()
    assert ada.language == ""


def test_without_a_choice_the_browser_decides_the_language(browser: Client) -> None:
    assert browser.get("/patients/", headers={"accept-language": "de-AT,de;q=0.9"}).headers["Content-Language"] == "de"
    assert browser.get("/patients/", headers={"accept-language": "fr-CA,en;q=0.5"}).headers["Content-Language"] == "fr"
    assert browser.get("/patients/", headers={"accept-language": "it"}).headers["Content-Language"] == "en"


def test_the_tour_is_on_the_first_page_alone_until_it_was_seen(browser: Client, ada: User, ines: Patient) -> None:
    assert 'id="tour"' not in browser.get(f"/patients/{ines.pk}/").content.decode()
    page = browser.get("/patients/").content.decode()
    assert page.split('class="tour__steps"')[1].split("</ol>")[0].count("<li") == 4
    assert browser.post("/settings/tour/", {"tour": "seen"}).headers["Location"] == "/patients/"
    assert 'id="tour"' not in browser.get("/patients/").content.decode()
    browser.post("/settings/tour/", {"tour": "again"})
    assert 'id="tour"' in browser.get("/patients/").content.decode()


def test_what_the_timeline_shows_is_kept_for_the_person(browser: Client, ada: User, ines: Patient) -> None:
    make_read_visits(ines, 2)
    assert browser.post("/settings/timeline/", {"row": "photos", "shown": "0"}).status_code == 204
    browser.post("/settings/timeline/", {"row": "separate", "shown": "1"})
    browser.post("/settings/timeline/", {"row": "elsewhere", "shown": "1"})
    ada.refresh_from_db()
    assert ada.timeline_rows == {"photos": False, "separate": True}
    browser.logout()
    browser.force_login(ada)
    page = browser.get(f"/patients/{ines.pk}/").content.decode()
    assert re.search(r'data-show="photos"\s*>', page)
    assert re.search(r'aria-pressed="true"\s*data-view="small-multiples"', page)


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_an_unknown_tour_changes_nothing(browser: Client, ada: User, name: str) -> None:
    browser.post("/settings/tour/", {"tour": name})
    ada.refresh_from_db()
    assert ada.tours_seen == []


def test_every_question_mark_has_its_answer_once(browser: Client, ada: User, ines: Patient) -> None:
    visits = make_read_visits(ines, 5)
    photo = visits[0].photos.all()[0]
    paths = [
        "/patients/",
        f"/patients/{ines.pk}/",
        f"/patients/{ines.pk}/compare/",
        f"/visits/{visits[0].pk}/",
        f"/photos/{photo.pk}/",
        f"/studies/{make_group(ada, people=6).pk}/",
    ]
    shown: set[str] = set()
    for path in paths:
        page = browser.get(path).content.decode()
        asked, answered = (re.findall(rf'{part}="why-(\w+)"', page) for part in ("popovertarget", "id"))
        assert sorted(asked) == sorted(answered)
        assert len(set(answered)) == len(answered)
        shown |= set(answered)
    assert shown == set(ANSWERS)


def test_settings_put_back_no_right_that_was_taken_meanwhile(browser: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def lock_out(form: SettingsForm) -> None:
        User.objects.filter(pk=ada.pk).update(is_active=False, may_erase=False, password="another")

    monkeypatch.setattr(SettingsForm, "clean", lock_out)
    assert browser.post("/settings/", BARE | {"language": "de"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.language, ada.is_active, ada.may_erase, ada.password) == ("de", False, False, "another")
