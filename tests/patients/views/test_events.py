"""Events: added, changed and removed by the patient's clinician alone, and refused when their days cannot be."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from patients.models import Event, Patient, User
from patients.models.event import Lane

FIELDS = {"kind": "medication", "label": "Sertraline 50 mg", "starts_on": "2026-03-25", "ends_on": "2026-09-10"}


@pytest.fixture
def event(ines: Patient, ada: User) -> Event:
    """Return a new job of Ines."""
    return Event.objects.create(patient=ines, kind="life_event", label="New job", starts_on=date(2026, 3, 2), created_by=ada)


def test_an_added_event_stands_on_the_patients_page(browser: Client, ines: Patient, ada: User) -> None:
    answer = browser.post(f"/patients/{ines.pk}/events/new/", FIELDS)
    assert answer.headers["Location"] == f"/patients/{ines.pk}/"
    event = Event.objects.get()
    assert (event.patient, event.created_by, event.label) == (ines, ada, "Sertraline 50 mg")
    assert (event.starts_on, event.ends_on, event.goes_on) == (date(2026, 3, 25), date(2026, 9, 10), False)
    assert "25 Mar 2026 to 10 Sep 2026" in browser.get(f"/patients/{ines.pk}/").content.decode()


def test_each_kind_has_its_own_icon_of_the_sprite() -> None:
    sprite = Path("templates/_sprite.html").read_text()
    icons = [kind.icon for kind in Event.Kind]
    assert [icon for icon in icons if f'id="i-{icon}"' not in sprite] == []
    assert len(set(icons)) == len(icons)


def test_an_event_has_the_icon_of_its_kind(browser: Client, event: Event) -> None:
    assert '<use href="#i-life" />' in browser.get(f"/patients/{event.patient_id}/").content.decode()


def test_each_kind_has_a_lane_and_no_lane_is_empty() -> None:
    assert {kind.lane for kind in Event.Kind} == set(Lane)


def test_what_happened_is_not_readable_in_the_database(event: Event) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT label FROM patients_event")
        assert "New job" not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_on": "2026-03-24"}, "The last day is before the first."),
        ({"goes_on": "on"}, "Clear either the last day or this box."),
        ({"starts_on": "1890-01-01"}, "This is before the patient’s date of birth."),
        ({"ends_on": "2206-09-10"}, "This is more than a year ahead. Check the year."),
        ({"label": "x" * 121}, "at most 120 characters"),
        ({"kind": "mood"}, "Select a valid choice."),
    ],
)
def test_an_impossible_event_is_refused_in_words(browser: Client, ines: Patient, changes: dict[str, str], words: str) -> None:
    page = browser.post(f"/patients/{ines.pk}/events/new/", FIELDS | changes)
    assert words in page.content.decode()
    assert not Event.objects.exists()


def test_a_planned_event_may_lie_ahead(browser: Client, ines: Patient) -> None:
    soon = timezone.localdate() + timedelta(days=30)
    browser.post(f"/patients/{ines.pk}/events/new/", FIELDS | {"starts_on": soon.isoformat(), "ends_on": ""})
    assert Event.objects.get().starts_on == soon


def test_database_refuses_an_event_that_ends_before_it_starts(event: Event) -> None:
    event.ends_on = event.starts_on - timedelta(days=1)
    with pytest.raises(IntegrityError):
        event.save()


def test_event_is_changed_and_removed(browser: Client, event: Event) -> None:
    browser.post(f"/events/{event.pk}/edit/", FIELDS | {"label": "New job, part-time"})
    event.refresh_from_db()
    assert event.label == "New job, part-time"
    answer = browser.post(f"/events/{event.pk}/delete/")
    assert answer.headers["Location"] == f"/patients/{event.patient_id}/"
    assert not Event.objects.exists()


def test_event_is_not_removed_by_a_link(browser: Client, event: Event) -> None:
    assert browser.get(f"/events/{event.pk}/delete/").status_code == 405


@pytest.mark.parametrize("address", ["/events/{event}/edit/", "/events/{event}/delete/", "/patients/{patient}/events/new/"])
def test_a_stranger_neither_sees_nor_changes_events(strange: Client, event: Event, address: str) -> None:
    path = address.format(event=event.pk, patient=event.patient_id)
    assert strange.post(path, FIELDS).status_code == 404
    assert strange.get(path).status_code in {404, 405}
    assert Event.objects.get().label == "New job"


def test_which_days_an_event_covers() -> None:
    start = date(2026, 3, 1)
    day = Event(starts_on=start)
    span = Event(starts_on=start, ends_on=date(2026, 3, 10))
    open_end = Event(starts_on=start, goes_on=True)
    assert [each.is_interval for each in (day, span, open_end)] == [False, True, True]
    assert [each.covers(date(2026, 3, 10)) for each in (day, span, open_end)] == [False, True, True]
    assert [each.covers(date(2026, 3, 11)) for each in (day, span, open_end)] == [False, False, True]
    assert [each.covers(date(2026, 2, 28)) for each in (day, span, open_end)] == [False, False, False]
