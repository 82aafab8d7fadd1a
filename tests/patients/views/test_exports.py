"""CSV files as the spreadsheets of the reader's language expect them."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from patients.models import User, Visit
from tests.factories import make_photo, make_prediction, probabilities_of

HEADER = (
    "record_number;visit_date;visit;photo;taken_at;uploaded_at;width;height;state;reason;used;excluded;excluded_reason;"
    "too_close_to_call;faces_found;detector_score;angry;disgust;fear;happy;sad;surprise;neutral;valence_index;clinician_labels;"
    "model_version\r\n"
)


def downloaded(browser: Client, path: str) -> str:
    answer = browser.get(path)
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # a streamed answer


def test_german_spreadsheets_get_semicolons_and_decimal_commas(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit, uploaded_at=datetime(2026, 3, 2, 9, 46, tzinfo=UTC))
    make_prediction(photo, probabilities=probabilities_of(sad=0.5, fear=0.25))
    photo.exclude("müde; spricht, 50 %")
    visit.patient.record_number, visit.date = "A-1001", date(2026, 3, 2)
    visit.patient.save()
    visit.save()
    User.objects.update(language="de")
    assert downloaded(browser, f"/visits/{visit.pk}/csv/") == (
        f"\ufeff{HEADER}"
        f"A-1001;2026-03-02;{visit.id};{photo.id};;2026-03-02T09:46:00+00:00;64;48;done;;no;yes;"
        '"müde; spricht, 50 %";no;1;0,9000;0,0000;0,0000;0,2500;0,0000;0,5000;0,0000;0,2500;-0,7500;;1.0.0\r\n'
    )


def test_access_log_follows_the_language_too(browser: Client, visit: Visit) -> None:
    path = f"/patients/{visit.patient_id}/access-log/csv/"
    assert downloaded(browser, path).startswith("\ufefftime,person,what,")
    User.objects.update(language="de")
    assert downloaded(browser, path).startswith("\ufefftime;person;what;")
    assert downloaded(browser, f"{path}?dialect=comma").startswith("\ufefftime,person,what,")


@pytest.mark.parametrize(
    ("language", "asked", "row"),
    [
        ("en", "", "0.9000,0.0000"),
        ("en", "?dialect=semicolon", "0,9000;0,0000"),
        ("de", "", "0,9000;0,0000"),
        ("de", "?dialect=comma", "0.9000,0.0000"),
    ],
)
def test_language_decides_and_the_reader_can_choose(browser: Client, visit: Visit, language: str, asked: str, row: str) -> None:
    make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.5))
    User.objects.update(language=language)
    assert row in downloaded(browser, f"/visits/{visit.pk}/csv/{asked}")
    assert row in downloaded(browser, f"/patients/{visit.patient_id}/csv/{asked}")
    for address in (f"/patients/{visit.patient_id}/export/", f"/visits/{visit.pk}/export/"):
        page = browser.get(address).content.decode()
        assert 'value="comma"' in page
        assert 'value="semicolon"' in page


def test_dialect_that_is_none_is_refused(browser: Client, visit: Visit) -> None:
    answer = browser.get(f"/visits/{visit.pk}/csv/?dialect=nonsense")
    assert answer.status_code == 400
    assert "semicolon" in answer.content.decode()
