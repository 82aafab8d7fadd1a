"""The export: columns one can read here, and cells that no spreadsheet runs."""

import csv
import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from encryption.fields import sealed_values
from ml.cells import FORMULA_STARTS
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, OwnLabel, Patient, User, Visit
from patients.reports.columns import COLUMNS, KINDS, ColumnDescription
from patients.reports.csv_export import TABLES, csv_cell, csv_response, photos_csv, writer_of
from patients.reports.dialects import COMMA, PROGRAMS, SEMICOLON, Dialect
from patients.reports.events_table import EVENT_COLUMNS
from patients.reports.scope import Scope
from patients.reports.visits_table import VISIT_COLUMNS
from tests.factories import make_clinician, make_photo, make_prediction, probabilities_of, prove

FACE = {"left": 8, "top": 6, "width": 24, "height": 30}  # as make_prediction finds it
HEADER = (
    "record_number,visit_date,visit,photo,taken_at,uploaded_at,width,height,state,reason,used,excluded,excluded_reason,"
    "too_close_to_call,faces_found,detector_score,angry,disgust,fear,happy,sad,surprise,neutral,valence_index,clinician_labels,model_version\r\n"
)


def exported(visit: Visit) -> list[str]:
    return list(photos_csv(Scope([visit.patient], visit), visit.created_by))


@pytest.mark.django_db
def test_export_is_one_line_per_photo(visit: Visit) -> None:
    at = datetime(2026, 3, 2, 9, 46, tzinfo=UTC)
    read = make_photo(visit, uploaded_at=at)
    make_prediction(read, probabilities=probabilities_of(sad=0.5, fear=0.25))
    OwnLabel.objects.create(photo=read, clinician=visit.created_by, label="happy")
    OwnLabel.objects.create(photo=read, clinician=make_clinician("Dr Bo Lindqvist", "bo@clinic.test"), label="cannot_say")
    failed = make_photo(visit, uploaded_at=at.replace(minute=47))
    faces = [{"box": FACE, "detector_score": 0.8}] * 2
    make_prediction(failed, "rejected", reason="too_blurred", faces=faces)
    failed.exclude("=cmd|' /C calc'!A0")
    visit.patient.record_number, visit.date = "A-1001", date(2026, 3, 2)
    visit.patient.save()
    visit.save()
    assert exported(visit) == [
        HEADER,
        f"A-1001,2026-03-02,{visit.id},{read.id},,2026-03-02T09:46:00+00:00,64,48,done,,yes,no,,no,1,0.9000,"
        "0.0000,0.0000,0.2500,0.0000,0.5000,0.0000,0.2500,-0.7500,happy;cannot_say,1.0.0\r\n",
        f"A-1001,2026-03-02,{visit.id},{failed.id},,2026-03-02T09:47:00+00:00,64,48,rejected,too_blurred,no,yes,"
        "'=cmd|' /C calc'!A0,,2,,,,,,,,,,,1.0.0\r\n",
    ]


@pytest.mark.django_db
def test_photo_without_a_prediction_has_empty_cells(visit: Visit) -> None:
    make_photo(visit)
    (row,) = csv.DictReader(io.StringIO("".join(exported(visit))))
    assert (row["state"], row["happy"], row["used"]) == ("", "", "no")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "reason", "was_looked_at"),
    [
        ("queued", "", False),
        ("running", "", False),
        ("no_face", "", True),
        ("choose_face", "", True),
        ("rejected", "too_blurred", True),
        ("rejected", "no_consent", False),
        ("rejected", "photo_erased", False),
        ("failed", "timed_out", False),
    ],
)
def test_reading_that_was_asked_anew_no_longer_shows_the_former_face(
    visit: Visit, state: str, reason: str, was_looked_at: bool
) -> None:
    read = make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.9), abstained=True)
    type(read).objects.update(state=state, reason=reason)
    (row,) = csv.DictReader(io.StringIO("".join(exported(visit))))
    of_a_face = (*EXPRESSIONS, "valence_index", "too_close_to_call", "detector_score")
    assert [name for name in of_a_face if row[name]] == []
    assert (row["faces_found"], row["model_version"]) == (("1", "1.0.0") if was_looked_at else ("", ""))


@pytest.mark.django_db
def test_label_of_another_face_is_left_out(visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    label = OwnLabel.objects.create(photo=photo, clinician=visit.created_by, label="sad", box=FACE | {"left": 40})
    (row,) = csv.DictReader(io.StringIO("".join(exported(visit))))
    assert row["clinician_labels"] == ""
    OwnLabel.objects.filter(pk=label.pk).update(box=FACE)
    (row,) = csv.DictReader(io.StringIO("".join(exported(visit))))
    assert row["clinician_labels"] == "sad"


@pytest.mark.django_db
def test_label_of_a_colleague_is_there_once_one_has_given_one_s_own(visit: Visit, bo: User) -> None:
    labelled, other = make_photo(visit), make_photo(visit)
    for photo in (labelled, other):
        make_prediction(photo)
        OwnLabel.objects.create(photo=photo, clinician=bo, label="sad")
    OwnLabel.objects.create(photo=labelled, clinician=visit.created_by, label="happy")
    rows = csv.DictReader(io.StringIO("".join(exported(visit))))
    assert [row["clinician_labels"] for row in rows] == ["sad;happy", ""]


@pytest.mark.django_db
def test_file_name_has_table_and_day_and_nothing_of_the_patient(visit: Visit, client: Client) -> None:
    client.force_login(visit.created_by)
    with time_machine.travel("2026-11-29T12:00:00Z"):
        prove(client)
        paths = (f"/visits/{visit.pk}/csv/", f"/patients/{visit.patient_id}/csv/?table=events", "/patients/csv/?table=visits")
        names = [client.get(path).headers["Content-Disposition"] for path in paths]
    assert names == [
        f'attachment; filename="affectline-photos-2026-11-29-{str(visit.pk)[:8]}.csv"',
        f'attachment; filename="affectline-events-2026-11-29-{str(visit.patient_id)[:8]}.csv"',
        'attachment; filename="affectline-visits-2026-11-29-caseload.csv"',
    ]


@pytest.mark.django_db
def test_newest_model_speaks_for_a_photo(visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, probabilities=probabilities_of(sad=0.9), model_version="1.0.0")
    make_prediction(photo, probabilities=probabilities_of(happy=0.9), model_version="2.0.0")
    (row,) = csv.DictReader(io.StringIO("".join(exported(visit))))
    assert (row["happy"], row["model_version"]) == ("0.9000", "2.0.0")


@pytest.mark.django_db
def test_export_of_many_photos_takes_few_queries(visit: Visit, django_assert_num_queries: Any) -> None:
    for _ in range(20):
        make_prediction(make_photo(visit))
    with django_assert_num_queries(3):  # visits, labels, photos with readings
        assert len(exported(visit)) == 21


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"])
def test_text_that_starts_a_formula_is_disarmed(start: str) -> None:
    assert csv_cell(f"{start}1+1") == f"'{start}1+1"


def test_numbers_are_never_disarmed() -> None:
    assert csv_cell(-0.47) == "-0.4700"


@pytest.mark.django_db
def test_byte_order_mark_is_there_only_when_asked_for(visit: Visit) -> None:
    scope = Scope([visit.patient], visit)
    plain = b"".join(csv_response("photos", scope, visit.created_by))
    marked = b"".join(csv_response("photos", scope, visit.created_by, COMMA))
    assert marked == b"\xef\xbb\xbf" + plain


def test_formula_after_a_comma_is_disarmed_where_semicolons_separate() -> None:
    assert csv_cell("tired, =cmd|'/C calc'!A0", SEMICOLON) == "tired, '=cmd|'/C calc'!A0"
    assert csv_cell("tired; since May", SEMICOLON) == "tired; since May"
    assert csv_cell(-0.47, SEMICOLON) == "-0,4700"


@pytest.mark.parametrize("columns", [COLUMNS, VISIT_COLUMNS, EVENT_COLUMNS], ids=["photos", "visits", "events"])
def test_every_column_says_what_it_means(columns: tuple[ColumnDescription, ...]) -> None:
    assert len({column.name for column in columns}) == len(columns)
    assert all(str(column.meaning).endswith(".") and column.kind in KINDS for column in columns)


@given(st.floats(-1, 1), st.sampled_from([PROGRAMS, COMMA, SEMICOLON]))
def test_shares_are_looked_up_as_they_would_be_written(share: float, dialect: Dialect) -> None:
    assert list(writer_of("number, -1 to 1", dialect)([share, None])) == [csv_cell(share, dialect), ""]


def test_times_are_in_the_zone_of_the_reader_on_both_sides_of_a_change() -> None:
    with timezone.override("Europe/Berlin"):
        write = writer_of("time", PROGRAMS)
    texts = ["2026-03-29 00:59:59", "2026-03-29 01:00:00.123456", "2026-03-29 01:00:07+00"]
    assert list(write([*texts, None])) == [
        "2026-03-29T01:59:59+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:00:07+02:00",
        "",
    ]


@pytest.mark.django_db
def test_table_of_times_is_in_the_zone_of_the_reader(visit: Visit, client: Client) -> None:
    make_photo(visit, uploaded_at=datetime(2026, 7, 2, 9, 46, 5, 123456, tzinfo=UTC))
    User.objects.update(time_zone="Asia/Kolkata")
    client.force_login(User.objects.get())
    text = b"".join(client.get(f"/visits/{visit.pk}/csv/")).decode()
    assert "2026-07-02T15:16:05+05:30" in text


HOSTILE = (*(f"{start}1+1" for start in FORMULA_STARTS), "a;=1+1", "a,=1+1", "a\n@SUM(1)", "x\";=cmd|'/C calc'!A0")


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dialect", [PROGRAMS, COMMA, SEMICOLON], ids=lambda dialect: dialect.name)
def test_no_cell_of_any_table_starts_a_formula(visit: Visit, table: str, dialect: Dialect) -> None:
    for number, text in enumerate(HOSTILE):
        photo = make_photo(visit, excluded_at=visit.created_at, excluded_reason=text)
        make_prediction(photo)
        facts = {"kind": "note", "label": text, "starts_on": visit.date, "created_by": visit.created_by}
        Event.objects.create(patient=visit.patient, **facts)
        Patient.objects.filter(pk=visit.patient_id).update(
            **sealed_values(visit.patient, record_number=text), record_number_hash=str(number)
        )
        patient = Patient.objects.get(pk=visit.patient_id)
        lines = "".join(TABLES[table](Scope([patient]), visit.created_by, dialect))
        # As a program for this dialect reads it, and as one for another would, which splits whatever our quotes say.
        cells = [cell for row in csv.reader(io.StringIO(lines, newline=""), delimiter=dialect.separator) for cell in row]
        foreign = ",;".replace(dialect.separator, "")
        cells += [part.strip(' "') for part in re.split(rf"[{foreign}\t\r\n]", lines)]
        # Only text can be a formula: a number may well be negative.
        assert [cell for cell in cells if cell.startswith(FORMULA_STARTS) and not re.fullmatch(r"-\d[.,\d]*", cell)] == []


@pytest.mark.parametrize("text", ["blurred;=cmd|'/C calc'!A0;x", "a;  +1", "a\n@SUM(1)", 'a;"=1+1"', "a\t-2"])
def test_formula_after_a_separator_of_another_language_is_disarmed(text: str) -> None:
    cell = csv_cell(text)
    for separator in (";", "\t", "\n"):
        for part in cell.split(separator)[1:]:
            assert not part.strip(' "').startswith(("=", "+", "-", "@"))
    assert cell.replace("'", "") == text.replace("'", "")


def test_ordinary_words_are_left_as_they_are() -> None:
    for text in ("slept badly; better since", "mood 3, -2 since", "a-b; c"):
        assert csv_cell(text) == text
