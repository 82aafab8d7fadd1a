"""The access log as a page shows it: plain verbs, named objects, and what belongs together as one line."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.audit.log import record_access
from patients.audit.phrases import PAGES, phrase_key
from patients.audit.report import LogPage, log_page
from patients.models import AccessLog, BreakGlass, Event, Patient, Photo, User, Visit
from patients.photos.move import move_photos
from tests.factories import make_patient, make_photo, make_visit

Action = AccessLog.Action
NINE = datetime(2026, 11, 27, 9, 0, tzinfo=ZoneInfo(settings.TIME_ZONE))


def at(minutes: float, who: User | None, action: Action, obj: Any = None, **more: Any) -> AccessLog:
    """Add an entry of so many minutes after nine."""
    with time_machine.travel(NINE + timedelta(minutes=minutes), tick=False):
        entry = record_access(who, action, obj=obj, **more)
    assert entry is not None
    return entry


def page_of(patient: Patient, reader: User, before: int | None = None, is_grouped: bool = True) -> LogPage:
    return log_page(patient, reader, AccessLog.objects.about(patient), before, is_grouped)


def said(page: LogPage) -> list[str]:
    """Return the sentences, newest first, each with the number of its entries."""
    return [f"{len(line.entries)} {''.join(part.text for part in line.what)}" for line in page.lines]


@pytest.fixture
def photos(visit: Visit) -> list[Photo]:
    """Return three photos of Ines' visit."""
    return [make_photo(visit) for _ in range(3)]


def test_repeats_of_one_person_action_and_visit_are_one_line(ada: User, visit: Visit, photos: list[Photo]) -> None:
    for minute, photo in enumerate([*photos, photos[0]]):
        at(minute, ada, Action.VIEW, photo)
        at(minute, ada, Action.VIEW, visit)
    page = page_of(visit.patient, ada)
    assert said(page) == ["4 opened the visit of 20 Nov 2026", "4 viewed 3 photos of the visit of 20 Nov 2026"]
    assert (page.lines[1].begins, page.lines[1].ends) == (NINE, NINE + timedelta(minutes=3))
    assert page.summary == "2 lines for 8 entries, 27 November 2026"


def test_a_line_ends_with_a_pause_of_half_an_hour_and_at_midnight(ada: User, visit: Visit) -> None:
    for minute in (0, 29, 59, 14 * 60 + 50, 15 * 60 + 10):  # the last two are on both sides of midnight
        at(minute, ada, Action.VIEW, visit)
    assert [len(line.entries) for line in page_of(visit.patient, ada).lines] == [1, 1, 1, 2]


def test_another_person_action_visit_key_or_emergency_access_is_another_line(ada: User, bo: User, visit: Visit) -> None:
    access = BreakGlass.objects.create(patient=visit.patient, clinician=bo, reason="Overdose", ends_at=NINE)
    at(0, ada, Action.VIEW, visit)
    at(1, bo, Action.VIEW, visit)
    at(2, bo, Action.VIEW, visit, glass=access.pk)
    at(3, ada, Action.VIEW, visit, key=7)
    at(4, ada, Action.EDIT, visit, page="save_note")
    at(5, ada, Action.VIEW, make_visit(visit.patient, date(2026, 11, 26)))
    page = page_of(visit.patient, ada)
    assert [len(line.entries) for line in page.lines] == [1] * 6
    assert [line.in_emergency for line in page.lines] == [False, False, False, True, False, False]
    assert [line.by_program for line in page.lines] == [False, False, True, False, False, False]


def test_objects_are_links(ada: User, visit: Visit, photos: list[Photo]) -> None:
    at(0, ada, Action.LABEL, photos[1])
    parts = page_of(visit.patient, ada).lines[0].what
    assert [(part.text, part.address) for part in parts] == [
        ("labelled ", ""),
        ("photo 2", f"/photos/{photos[1].pk}/"),
        (" of the visit of ", ""),
        ("20 Nov 2026", f"/visits/{visit.pk}/"),
    ]


def test_what_left_the_record_is_not_named(ada: User, visit: Visit, photos: list[Photo]) -> None:
    other = make_visit(make_patient(ada, name="Mara Novak"), date(2026, 11, 25))
    at(0, ada, Action.VIEW, photos[0])
    at(1, ada, Action.UPLOAD, photos[1])
    move_photos([photos[0]], other, ada)
    photos[1].remove()
    assert said(page_of(visit.patient, ada)) == [
        "1 moved a photo to a visit that is not in this record",
        "1 added a photo that is no longer in this record",
        "1 viewed a photo that is no longer in this record",
    ]


def test_who_was_given_access_is_named(ada: User, bo: User, ines: Patient) -> None:
    cem = User.objects.create_user("cem@clinic.test", display_name="Dr Cem Aydin")
    for number, carer in enumerate((bo, cem)):
        at(number, ada, Action.PERMISSION, carer, patient=ines, changed="assigned")
    assert said(page_of(ines, ada)) == ["1 gave Dr Cem Aydin access", "1 gave Dr Bo Lindqvist access"]


@pytest.mark.parametrize("action", Action)
def test_every_action_has_words(ada: User, ines: Patient, visit: Visit, action: Action) -> None:
    event = Event.objects.create(patient=ines, kind="note", label="Moved house", starts_on=NINE.date(), created_by=ada)
    entries = [at(0, ada, action, obj, patient=ines) for obj in (None, visit, make_photo(visit), event, ada)]
    entries += [at(0, ada, action, patient=ines, page=page) for page in sorted(PAGES)]
    entries.append(at(0, ada, action, patient=ines, purpose="care"))
    texts = said(page_of(ines, ada, is_grouped=False))
    assert len(texts) == len(entries)
    assert not any("{" in text for text in texts)
    if not action.startswith("sign_"):  # these are about no patient
        assert any(phrase_key(entry) for entry in entries)


def test_pages_hold_every_entry_once_and_tear_no_line(ada: User, visit: Visit, photos: list[Photo], monkeypatch: Any) -> None:
    monkeypatch.setattr("patients.audit.report.LINES", 4)
    for session in range(6):  # every hour: three lines of six entries, one after the other and all at once
        for minute in range(6):
            at(60 * session + minute, ada, Action.VIEW, photos[minute % 3])
            at(60 * session + minute, ada, Action.VIEW, visit)
            at(60 * session + minute, ada, Action.LABEL, photos[0])
    counts, seen, before = [], [], None
    while True:
        page = page_of(visit.patient, ada, before)
        counts.append([len(line.entries) for line in page.lines])
        seen += [entry.sequence for line in page.lines for entry in line.entries]
        if (before := page.older) is None:
            break
    assert counts == [[6] * 6] * 3
    assert sorted(seen) == list(range(1, 109))


def test_a_day_without_a_pause_has_pages_too(ada: User, visit: Visit, monkeypatch: Any) -> None:
    monkeypatch.setattr("patients.audit.report.READ_AT_ONCE", 10)
    monkeypatch.setattr("patients.audit.report.LINES", 3)
    for minute in range(25):
        at(minute, ada, Action.VIEW, visit)
    pages = [page_of(visit.patient, ada)]
    while pages[-1].older:
        pages.append(page_of(visit.patient, ada, pages[-1].older))
    assert [len(page.lines[0].entries) for page in pages] == [10, 10, 5]


def test_queries_do_not_grow_with_the_entries(ada: User, bo: User, visit: Visit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page = page_of(visit.patient, ada)
            said(page)
            [list(line.items) for line in page.lines]
        return len(captured)

    def work(times: int) -> None:
        for number in range(times):
            event = Event.objects.create(
                patient=visit.patient, kind="note", label=f"Note {number}", starts_on=NINE.date(), created_by=ada
            )
            for obj in (make_photo(visit), visit, event):
                at(40 * number, ada, Action.VIEW, obj)
            at(40 * number, ada, Action.PERMISSION, bo, patient=visit.patient, changed="assigned")

    work(1)
    few = queries()
    work(12)
    assert queries() == few <= 9
