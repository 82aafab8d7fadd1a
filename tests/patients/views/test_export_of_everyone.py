"""The export of everyone: entries in the access log come before the rows, a portion at once."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from patients.models import AccessLog, Patient, User
from patients.models.access import pseudonym
from patients.reports import everyone
from tests.factories import make_patient, make_read_visits, prove


@pytest.fixture
def five(ada: User, monkeypatch: pytest.MonkeyPatch) -> list[Patient]:
    """Return five patients of Dr Ada, who are logged two at once. Each has a visit with more rows than a part of the answer."""
    monkeypatch.setattr(everyone, "LOGGED_AT_ONCE", 2)
    monkeypatch.setattr("patients.reports.csv_export.LINES_AT_ONCE", 1)
    monkeypatch.setattr("patients.reports.scope.PATIENTS_AT_ONCE", 1)
    monkeypatch.setattr("patients.reports.photo_rows.FIRST_VISITS", 1)
    monkeypatch.setattr("patients.reports.photo_rows.VISITS_AT_ONCE", 1)
    patients = [make_patient(ada, name=f"Patient {number}") for number in range(5)]
    for patient in patients:
        make_read_visits(patient, days=1, photos_each=1)
    return patients


def exported(browser: Client, table: str) -> Iterator[bytes]:
    """Return the parts of the export of everyone."""
    answer = prove(browser).get("/patients/csv/", {"table": table, "dialect": "comma"})
    assert answer.status_code == 200
    return iter(answer.streaming_content)  # type: ignore[attr-defined]  # a streamed answer


def logged() -> list[str]:
    """Return the pseudonyms of the entries about exports, oldest first."""
    return list(AccessLog.objects.filter(action=AccessLog.Action.EXPORT).values_list("patient", flat=True))


@pytest.mark.parametrize("table", ["photos", "visits"])
def test_an_entry_is_stored_before_the_rows_leave(browser: Client, five: list[Patient], table: str) -> None:
    numbers = {patient.record_number.encode(): pseudonym(patient.pk) for patient in five}
    seen = 0
    for part in exported(browser, table):
        for number, name in numbers.items():
            if number in part:
                assert name in logged()
                seen += 1
    assert seen == len(five)
    assert sorted(logged()) == sorted(numbers.values())


def test_a_download_that_breaks_off_leaves_at_most_one_portion_too_many(browser: Client, five: list[Patient]) -> None:
    parts = exported(browser, "photos")
    assert len(logged()) == 2  # before anything is asked for
    sent = 0
    for part in parts:
        sent += part.count(five[0].record_number.encode())
        if sent:
            break
    assert sent == 1
    assert len(logged()) <= sent + 2


def test_entries_of_a_portion_are_in_the_order_of_their_pseudonyms(browser: Client, five: list[Patient]) -> None:
    list(exported(browser, "photos"))
    names = [pseudonym(patient.pk) for patient in five]
    assert logged() == [*sorted(names[:2]), *sorted(names[2:4]), names[4]]


def test_who_leaves_the_care_meanwhile_gets_neither_row_nor_entry(browser: Client, ada: User, five: list[Patient]) -> None:
    parts = exported(browser, "photos")
    ada.assignments.filter(patient__in=five[3:]).delete()
    text = b"".join(parts)
    assert [patient.record_number.encode() in text for patient in five] == [True, True, True, False, False]
    assert len(logged()) == 3


def test_nothing_leaves_where_the_log_cannot_be_written(
    browser: Client, five: list[Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entries: object) -> None:
        raise DatabaseError("database or disk is full")

    browser.raise_request_exception = False
    parts = exported(browser, "photos")
    monkeypatch.setattr(AccessLog, "append_all", full)
    sent: list[bytes] = []
    with pytest.raises(DatabaseError):
        sent.extend(parts)
    assert five[1].record_number.encode() in b"".join(sent)
    assert five[2].record_number.encode() not in b"".join(sent)
    assert browser.get("/patients/csv/").status_code == 500


def test_queries_grow_with_portions_and_not_with_patients(browser: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(table: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            b"".join(exported(browser, table))
        return len(captured)

    counts: dict[str, set[int]] = {"photos": set(), "visits": set(), "events": set()}
    for more in (2, 6):
        for number in range(more):
            make_read_visits(make_patient(ada, name=f"Patient {number}"), days=1, photos_each=1)
        browser.get("/patients/")  # computes what is new
        for table, found in counts.items():
            found.add(asked(table))
    assert all(len(found) == 1 for found in counts.values()), counts
