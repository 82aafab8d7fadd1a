"""Two people edit the same patient or event: neither overwrites changes they have not seen."""

import re
from datetime import date
from html import unescape

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from encryption.fields import sealed_values
from patients.forms.event import EventForm
from patients.forms.patient import PatientForm
from patients.models import ApiToken, Event, Patient, User, Visit

HIDDEN = re.compile(r'<input type="hidden"\s+name="(initial-[a-z_]+)"\s+value="([^"]*)"')


def loaded(browser: Client, path: str, **fields: str) -> dict[str, str]:
    """Return what a browser would send of the page's form: what is hidden beside the fields, and the fields as they are typed."""
    hidden = {name: unescape(value) for name, value in HIDDEN.findall(browser.get(path).content.decode())}
    return hidden | {name.removeprefix("initial-"): value for name, value in hidden.items()} | fields


@pytest.fixture
def event(ines: Patient, ada: User) -> Event:
    """Return a new job of Ines."""
    return Event.objects.create(patient=ines, kind="life_event", label="New job", starts_on=date(2026, 3, 2), created_by=ada)


def test_field_that_was_left_alone_keeps_what_a_colleague_made_of_it(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/edit/"
    sent = loaded(browser, path, name="Ines Lind")
    assert sent["record_number"] == ines.record_number
    Patient.objects.get(pk=ines.pk)
    ines.record_number, ines.birth_date = "R-1234", date(1990, 1, 2)
    ines.save()
    assert browser.post(path, sent).status_code == 302
    ines.refresh_from_db()
    assert (ines.name, ines.record_number, ines.birth_date) == ("Ines Lind", "R-1234", date(1990, 1, 2))
    assert Patient.objects.with_record_number("r-1234").get() == ines


def test_event_that_was_deleted_meanwhile_does_not_come_back(event: Event) -> None:
    form = EventForm({"kind": "life_event", "label": "New flat", "starts_on": "2026-03-02"}, instance=event)
    assert form.is_valid()
    Event.objects.all().delete()
    with pytest.raises(Http404):
        form.save()
    assert not Event.objects.exists()


def test_patient_who_was_erased_meanwhile_does_not_come_back(ines: Patient, ada: User, rf: RequestFactory) -> None:
    request = rf.post("/")
    request.user = ada
    fields = {"name": "Ines Lind", "record_number": ines.record_number, "birth_date": "1991-02-14"}
    form = PatientForm(request, fields, instance=ines)
    assert form.is_valid()
    Patient.objects.all().delete()
    with pytest.raises(Http404):
        form.saved()
    assert not Patient.objects.exists()


def test_field_that_both_changed_is_shown_before_it_is_saved(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/edit/"
    sent = loaded(browser, path, birth_date="1991-03-15")
    Patient.objects.filter(pk=ines.pk).update(**sealed_values(ines, birth_date=date(1991, 2, 15)))
    page = browser.post(path, sent)
    text = page.content.decode()
    assert "Someone else changed this to: 15 Feb 1991." in text
    assert 'value="1991-03-15"' in text
    ines.refresh_from_db()
    assert ines.birth_date == date(1991, 2, 15)
    again = {name: unescape(value) for name, value in HIDDEN.findall(text)}
    assert browser.post(path, sent | again).status_code == 302  # now the colleague's day was seen
    ines.refresh_from_db()
    assert ines.birth_date == date(1991, 3, 15)


def test_same_change_by_both_is_none(browser: Client, ines: Patient) -> None:
    sent = loaded(browser, f"/patients/{ines.pk}/edit/", name="Ines Lind")
    ines.name = "Ines Lind"
    ines.save()
    assert browser.post(f"/patients/{ines.pk}/edit/", sent).status_code == 302


def test_event_is_kept_in_the_same_way(browser: Client, event: Event) -> None:
    path = f"/events/{event.pk}/edit/"
    sent = loaded(browser, path, ends_on="2026-03-04")
    sent.pop("goes_on")  # a box that is not ticked is not sent
    Event.objects.filter(pk=event.pk).update(**sealed_values(event, kind="therapy", starts_on=date(2026, 3, 3)))
    assert browser.post(path, sent).status_code == 302
    event.refresh_from_db()
    assert (event.kind, event.starts_on, event.ends_on, event.goes_on) == ("therapy", date(2026, 3, 3), date(2026, 3, 4), False)
    late = sent | {"ends_on": "2026-03-09", "kind": "admission"}
    text = browser.post(path, late).content.decode()
    assert "Someone else changed this to: Therapy." in text
    assert "Someone else changed this to: 4 Mar 2026." in text


def test_program_writes_only_what_it_sent(ada: User, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    api = APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"})

    def meanwhile(day: date, patient: Patient) -> date:
        Visit.objects.filter(pk=visit.pk).update(is_baseline=True, note="")
        return day

    monkeypatch.setattr("patients.api.visits.visit_day", meanwhile)
    visit.note = "Older words."
    visit.save()
    assert api.patch(f"/api/v1/visits/{visit.pk}/", {"date": "2026-11-18"}).status_code == 200
    visit.refresh_from_db()
    assert (visit.date, visit.note, visit.is_baseline) == (date(2026, 11, 18), "", True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"record_number": "x" * 61}, "at most 60 characters"),
        ({"birth_date": "2026-11-21"}, "begins on 20 Nov 2026, before this date of birth"),
    ],
)
def test_what_cannot_be_is_refused_on_the_page_and_in_the_interface(
    browser: Client, ada: User, visit: Visit, fields: dict[str, str], words: str
) -> None:
    path = f"/patients/{visit.patient_id}/edit/"
    assert words in browser.post(path, loaded(browser, path, **fields)).content.decode()
    api = APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"})
    answer = api.patch(f"/api/v1/patients/{visit.patient_id}/", fields)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, list(fields))


def test_date_of_birth_lies_before_the_first_event_too(browser: Client, event: Event) -> None:
    path = f"/patients/{event.patient_id}/edit/"
    page = browser.post(path, loaded(browser, path, birth_date="2026-03-03")).content.decode()
    assert "begins on 2 Mar 2026, before this date of birth" in page


def test_field_left_alone_is_judged_and_shown_as_it_is_stored(browser: Client, event: Event) -> None:
    path = f"/events/{event.pk}/edit/"
    sent = loaded(browser, path, goes_on="on")  # it had no last day when the page was opened
    Event.objects.filter(pk=event.pk).update(ends_on=date(2026, 3, 9))
    page = browser.post(path, sent).content.decode()
    assert "Clear either the last day or this box." in page
    assert 'value="2026-03-09"' in page  # the colleague's day is there to be seen
    again = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert browser.post(path, sent | again | {"ends_on": ""}).status_code == 302
    event.refresh_from_db()
    assert (event.ends_on, event.goes_on) == (None, True)


def test_form_of_an_older_page_keeps_what_was_typed_through_a_mistake(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/edit/"
    sent = {"name": "Ines Lind", "birth_date": "2199-01-01", "record_number": ines.record_number}  # without hidden values
    page = browser.post(path, sent).content.decode()
    again = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert again["initial-name"] == "Ines Moreau"
    assert browser.post(path, sent | again | {"birth_date": "1991-02-14"}).status_code == 302
    ines.refresh_from_db()
    assert ines.name == "Ines Lind"
