"""The tables of visits and events: equal to the timeline to the digit, within their days, and written as literals."""

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.test import Client

from ml.serve.expressions import EXPRESSIONS
from patients.models import AccessLog, Event, Patient, SelfReport, User, Visit
from patients.models.formats import hundredths, signed
from patients.reports import visits_table
from patients.reports.csv_export import events_csv, photos_csv, visits_csv
from patients.reports.scope import Scope
from patients.timeline.page import timeline
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import visits_by_patient
from tests.factories import make_patient, make_photo, make_prediction, make_read_visits, make_visit, probabilities_of, prove

pytestmark = pytest.mark.django_db


def read(lines: Iterable[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(lines))))


@pytest.fixture
def record(ines: Patient) -> Patient:
    """Return Ines with six visits, the last of two photos, a self-report and a visit without photos."""
    for week in range(6):
        visit = make_visit(ines, date(2026, 1, 5) + timedelta(weeks=week))
        for photo in range(2 if week == 5 else 4):
            shares = probabilities_of(happy=0.0513 + 0.07 * week + 0.031 * photo, sad=0.2007 + 0.013 * photo, fear=0.015)
            make_prediction(make_photo(visit), probabilities=shares, model_version="0.5.0")
        make_photo(visit).exclude("hand before the mouth")
    SelfReport.objects.create(visit=visit, mood=4, phq9=11)
    make_visit(ines, date(2026, 3, 2))
    return ines


def test_visits_say_what_the_timeline_shows_to_the_digit(record: Patient) -> None:
    shown, rows = timeline(record), read(visits_csv(Scope([record]), None))
    assert len(rows) == 7
    by_visit = {row["visit"]: row for row in rows}
    for line in shown.rows:
        row = by_visit[str(line.point.visit_id)]
        told = [float(row[name]) if row[name] else None for name in ("valence_index", "valence_low", "valence_high")]
        assert tuple(signed(each) for each in told) == line.valence
        assert (row["photos_used"], row["photos"]) == (line.counts[0], str(int(line.counts[0]) + int(line.counts[1])))
        for name, (mean, ends) in zip(EXPRESSIONS, line.probabilities, strict=True):
            assert str(hundredths(float(row[name]))) == mean
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            assert (f"{hundredths(float(low))}–{hundredths(float(high))}" if low else "") == ends
        assert row["model_version"] == line.models
    assert shown.baseline is not None
    usual = {(row["usual_low"], row["usual_high"]) for row in rows}
    ((low, high),) = usual
    assert (signed(float(low)), signed(float(high))) == tuple(signed(each) for each in shown.baseline.on_scale)


def test_visit_without_photos_and_its_report_are_there(record: Patient) -> None:
    *_others, reported, bare = read(visits_csv(Scope([record]), None))
    assert (reported["mood"], reported["phq9"], reported["gad7"]) == ("4", "11", "")
    assert (reported["photos"], reported["photos_used"], reported["photos_excluded"]) == ("3", "2", "1")
    assert (reported["valence_low"], reported["expression"], reported["runner_up"]) == ("", "happy", "neutral")
    assert (bare["visit_date"], bare["photos"], bare["valence_index"], bare["expression"]) == ("2026-03-02", "0", "", "")


def test_days_narrow_the_file_and_not_the_usual_range(record: Patient) -> None:
    all_of_it = read(visits_csv(Scope([record]), None))
    scope = Scope([record], first=date(2026, 1, 12), last=date(2026, 1, 19))
    some = read(visits_csv(scope, None))
    assert some == all_of_it[1:3]
    assert {row["visit_date"] for row in read(photos_csv(scope, None))} == {"2026-01-12", "2026-01-19"}


def test_events_are_those_that_touch_the_days(record: Patient, ada: User) -> None:
    record.record_number = "R-9"
    record.save()
    facts = {"patient": record, "created_by": ada}
    first = Event.objects.create(kind="medication", label="Sertraline; 50 mg", starts_on=date(2026, 1, 1), goes_on=True, **facts)
    Event.objects.create(kind="note", label="Moved", starts_on=date(2026, 2, 3), **facts)
    Event.objects.create(kind="admission", label="Ward 3", starts_on=date(2025, 1, 1), ends_on=date(2025, 1, 9), **facts)
    text = "".join(events_csv(Scope([record], first=date(2026, 1, 12), last=date(2026, 1, 19)), None))
    assert text == (
        "record_number,event,kind,label,starts_on,ends_on,goes_on\r\n"
        f"R-9,{first.pk},medication,Sertraline; 50 mg,2026-01-01,,yes\r\n"
    )


def test_caseload_export_holds_those_in_regular_care_and_is_logged_for_each(ada: User, ines: Patient, bo: User) -> None:
    uma, foreign = make_patient(ada, name="Uma Quist"), make_patient(bo, name="Vic Roe")
    for patient in (ines, uma, foreign):
        make_visit(patient)
    client = Client()
    client.force_login(ada)
    assert client.get("/patients/csv/?table=visits").headers["Location"].startswith("/accounts/reauthenticate/")
    assert client.get("/api/v1/csv/?table=visits").status_code == 403
    prove(client)
    rows = read([b"".join(client.get("/patients/csv/?table=visits")).decode("utf-8-sig")])
    assert {row["record_number"] for row in rows} == {ines.record_number, uma.record_number}
    for patient, count in ((ines, 1), (uma, 1), (foreign, 0)):
        entries = AccessLog.objects.about(patient).filter(action="export", detail={"page": "caseload_csv"})
        assert entries.count() == count


def test_export_without_the_right_is_refused(ada: User, ines: Patient) -> None:
    User.objects.update(may_export=False)
    client = Client()
    client.force_login(ada)
    assert client.get("/patients/csv/").status_code == 403
    assert "can grant you the permission" in client.get("/patients/export/").content.decode()


@pytest.mark.parametrize("asked", ["table=secrets", "since=yesterday-ish", "since=2026-03-02&until=2026-03-01", "dialect=braille"])
def test_address_that_cannot_be_read_sends_nothing(ada: User, visit: Visit, asked: str) -> None:
    client = Client()
    client.force_login(ada)
    prove(client)
    for path in (f"/patients/{visit.patient_id}/csv/", "/patients/csv/", f"/visits/{visit.pk}/csv/"):
        answer = client.get(f"{path}?{asked}")
        assert answer.status_code == 400
        assert "<form" in answer.content.decode()
    assert not AccessLog.objects.filter(action="export").exists()


def test_page_begins_with_the_photos_chosen(ada: User, ines: Patient) -> None:
    client = Client()
    client.force_login(ada)
    for path in (f"/patients/{ines.pk}/export/", "/patients/export/"):
        assert re.search(r'value="photos"[^>]*\schecked', client.get(path).content.decode())


def test_many_visits_are_not_read_at_once(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits_table, "VISITS_AT_ONCE", 3)
    patients = [make_patient(ada, name=f"Patient {number}") for number in range(6)]
    for patient, visits in zip(patients, (1, 2, 5, 0, 1, 1), strict=True):
        make_read_visits(patient, days=visits, photos_each=1)
    asked: list[int] = []

    def counted(ids: list[UUID], with_photos: bool) -> dict[UUID, list[VisitPoint]]:
        asked.append(len(ids))
        return visits_by_patient(ids, with_photos)

    monkeypatch.setattr(visits_table, "visits_by_patient", counted)
    rows = list(visits_table.visit_rows(Scope(patients)))
    assert [row.record_number for row in rows] == sorted(row.record_number for row in rows)
    assert (len(rows), asked) == (10, [2, 1, 3])
