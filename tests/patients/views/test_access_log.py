"""The page of the access log: its filters and its pages."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from patients.audit.log import record_access
from patients.models import AccessLog, Patient, User, Visit
from tests.factories import make_photo

Action = AccessLog.Action


def shown(browser: Client, patient: Patient, **asked: str) -> str:
    """Return the words of the entries, without tags."""
    page = browser.get(f"/patients/{patient.pk}/access-log/", asked)
    assert page.status_code == 200
    entries = page.content.decode().split('id="entries"')[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", entries))


def test_page_names_who_viewed_what(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    browser.get(f"/visits/{visit.pk}/")
    browser.get(f"/photos/{photo.pk}/preview/")
    browser.get(f"/patients/{visit.patient_id}/consent/")
    page = shown(browser, visit.patient)
    assert "Dr Ada Lind opened the consent page" in page
    assert "opened the visit of 20 Nov 2026" in page
    assert "image" not in page
    assert "viewed the image of photo 1 of the visit of 20 Nov 2026" in shown(browser, visit.patient, images="on")


def test_new_visits_and_events_are_named(browser: Client, ines: Patient) -> None:
    browser.post(f"/patients/{ines.pk}/visits/new/", {"date": "2026-11-19"})
    browser.post(f"/patients/{ines.pk}/events/new/", {"kind": "note", "label": "Moved house", "starts_on": "2026-11-01"})
    page = shown(browser, ines)
    assert "created the visit of 19 Nov 2026" in page
    assert "added the event “Moved house”" in page


def test_filters_choose_person_kind_and_days(browser: Client, ada: User, bo: User, ines: Patient) -> None:
    record_access(ada, Action.EXPORT, ines, page="patient_csv")
    record_access(bo, Action.CONSENT, ines, purpose="care")
    record_access(None, Action.ERASED, ines, level="images", cause="retention")
    assert "opened" not in shown(browser, ines, person=str(bo.pk))
    assert "recorded consent to care" in shown(browser, ines, person=str(bo.pk))
    assert "Affectline erased photos at the end of their retention period" in shown(browser, ines, person="system")
    assert "exported all visits as CSV" in shown(browser, ines, action="exported")
    assert "recorded" not in shown(browser, ines, action="exported")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert "No entries match. Clear the filters" in shown(browser, ines, since=tomorrow)
    assert "exported" in shown(browser, ines, until=tomorrow)


def test_emergency_entries_are_found(browser: Client, bo: User, ines: Patient) -> None:
    record_access(bo, Action.VIEW, ines, glass=4)
    record_access(bo, Action.EDIT, ines)
    page = shown(browser, ines, action="emergency")
    assert "opened the record emergency access" in page
    assert "changed" not in page


@pytest.mark.parametrize("asked", [{"person": "x"}, {"action": "x"}, {"since": "soon"}, {"before": "x"}, {"before": "9" * 30}])
def test_a_filter_that_cannot_be_read_is_none(browser: Client, ada: User, ines: Patient, asked: dict[str, str]) -> None:
    record_access(ada, Action.EXPORT, ines, page="patient_csv")
    assert "exported all visits as CSV" in shown(browser, ines, **asked)


def test_each_entry_has_a_line_of_its_own_if_asked(browser: Client, ada: User, ines: Patient) -> None:
    for _ in range(3):
        record_access(ada, Action.VIEW, ines)
    assert "1 line for 3 entries" in shown(browser, ines)
    assert "3 lines for 4 entries" not in shown(browser, ines)
    assert shown(browser, ines, group="no").count("opened the record") == 3


def test_older_entries_keep_the_filters(browser: Client, ada: User, ines: Patient) -> None:
    for _ in range(60):
        record_access(ada, Action.EXPORT, ines)
    first = browser.get(f"/patients/{ines.pk}/access-log/", {"action": "exported", "group": "no"}).content.decode()
    older = re.search(r'href="\?([^"]*before=[^"]*)"', first)
    assert older
    second = browser.get(f"/patients/{ines.pk}/access-log/?{older[1].replace('&amp;', '&')}").content.decode()
    assert (first.count("exported data"), second.count("exported data")) == (50, 10)
    assert "Newest" in second


def test_csv_has_a_row_for_each_entry_that_the_filters_leave(browser: Client, ada: User, ines: Patient) -> None:
    ada.display_name = "=Ada"
    ada.save()
    with time_machine.travel("2026-11-20T09:00:00Z", tick=False):
        record_access(ada, Action.VIEW, ines, page="compare")
        record_access(ada, Action.EXPORT, ines, page="patient_csv", glass=4)
    answer = browser.get(f"/patients/{ines.pk}/access-log/csv/", {"until": "2026-11-20"})
    assert answer.headers["Content-Disposition"].endswith(f'access-log-{ines.pk}.csv"')
    assert b"".join(answer.streaming_content).decode("utf-8-sig").splitlines() == [  # type: ignore[attr-defined]  # a stream
        "time,person,what,emergency_access,by_program,reason",
        "2026-11-20T09:00:00+00:00,'=Ada,exported all visits as CSV,yes,no,",
        "2026-11-20T09:00:00+00:00,'=Ada,opened the comparison,no,no,",
    ]
    assert AccessLog.objects.about(ines)[0].detail == {"page": "access_log_csv"}


def test_long_log_is_exported_whole(browser: Client, ada: User, ines: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.audit.report.READ_AT_ONCE", 3)
    monkeypatch.setattr("patients.reports.access_csv.READ_AT_ONCE", 3)
    for _ in range(8):
        record_access(ada, Action.VIEW, ines)
    answer = browser.get(f"/patients/{ines.pk}/access-log/csv/", {"action": "viewed"})
    assert b"".join(answer.streaming_content).count(b"opened the record") == 8  # type: ignore[attr-defined]  # a stream


def test_csv_is_offered_in_both_ways_with_the_filters_of_the_page(browser: Client, ines: Patient) -> None:
    page = browser.get(f"/patients/{ines.pk}/access-log/", {"action": "viewed", "group": "no"}).content.decode()
    address = f"/patients/{ines.pk}/access-log/csv/?action=viewed"
    assert f'href="{address}"' in page
    assert f'href="{address}&amp;dialect=semicolon"' in page


def test_csv_needs_the_right_to_export(browser: Client, ada: User, ines: Patient) -> None:
    assert "access-log/csv/" in browser.get(f"/patients/{ines.pk}/access-log/").content.decode()
    User.objects.filter(pk=ada.pk).update(may_export=False)
    assert "access-log/csv/" not in browser.get(f"/patients/{ines.pk}/access-log/").content.decode()
    assert browser.get(f"/patients/{ines.pk}/access-log/csv/").status_code == 403
