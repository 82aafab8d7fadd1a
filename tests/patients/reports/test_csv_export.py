"""The export: columns one can read here, and cells that no spreadsheet runs."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from ml.serve.expressions import EXPRESSIONS
from patients.models import OwnLabel, Photo, User, Visit
from patients.reports.columns import COLUMNS
from patients.reports.csv_export import csv_cell, csv_rows, photos_for_export, visit_csv
from patients.reports.dialects import COMMA, SEMICOLON
from tests.factories import make_clinician, make_photo, make_prediction, probabilities_of

FACE = {"left": 8, "top": 6, "width": 24, "height": 30}  # as make_prediction finds it
HEADER = (
    "record_number,visit_date,visit,photo,taken_at,uploaded_at,width,height,state,reason,used,excluded,excluded_reason,"
    "too_close_to_call,faces_found,detector_score,angry,disgust,fear,happy,sad,surprise,neutral,valence_index,clinician_labels,model_version\r\n"
)


def exported(visit: Visit) -> list[str]:
    return list(csv_rows(photos_for_export(Photo.objects.filter(visit=visit), visit.created_by)))


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
def test_file_of_a_visit_is_named_by_its_id(visit: Visit, client: Client) -> None:
    client.force_login(visit.created_by)
    name = client.get(f"/visits/{visit.pk}/csv/").headers["Content-Disposition"]
    assert name == f'attachment; filename="affectline-visit-{visit.pk}.csv"'


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
    with django_assert_num_queries(3):  # photos, readings, labels
        assert len(exported(visit)) == 21


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"])
def test_text_that_starts_a_formula_is_disarmed(start: str) -> None:
    assert csv_cell(f"{start}1+1") == f"'{start}1+1"


def test_numbers_are_never_disarmed() -> None:
    assert csv_cell(-0.47) == "-0.4700"


@pytest.mark.django_db
def test_byte_order_mark_is_there_only_when_asked_for(visit: Visit) -> None:
    plain = b"".join(visit_csv(visit, visit.created_by))
    marked = b"".join(visit_csv(visit, visit.created_by, COMMA))
    assert marked == b"\xef\xbb\xbf" + plain


def test_formula_after_a_comma_is_disarmed_where_semicolons_separate() -> None:
    assert csv_cell("tired, =cmd|'/C calc'!A0", SEMICOLON) == "tired, '=cmd|'/C calc'!A0"
    assert csv_cell("tired; since May", SEMICOLON) == "tired; since May"
    assert csv_cell(-0.47, SEMICOLON) == "-0,4700"


def test_every_column_says_what_it_means() -> None:
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert all(str(column.meaning).endswith(".") and column.kind for column in COLUMNS)


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
