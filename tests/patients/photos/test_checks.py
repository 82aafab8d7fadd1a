"""The checks that a photo must pass: in order, the cheap ones first, and none is forgotten."""

import inspect
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from ml.decode import formats
from patients.consent.erasure import erase_picture
from patients.models import Consent, Photo, User, Visit
from patients.photos import checks
from patients.photos.checks import CHECKS, Arrival, Check, check
from patients.photos.codes import CODES, RejectedPhoto
from patients.photos.receive import receive_photo
from tests.factories import make_clinician, make_patient, make_visit, picture, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit() -> Visit:
    return make_visit(make_patient(make_clinician()))


@pytest.fixture
def stored(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(RejectedPhoto) as refused:
        receive_photo(*arguments, **options)
    return refused.value.code


def test_photo_that_passes_every_check_is_open(visit: Visit) -> None:
    arrival = Arrival(visit, upload(), visit.created_by)
    check(arrival)
    assert (arrival.format, arrival.rebuilt.width, arrival.rebuilt.height) == ("JPEG", 64, 48)


def test_every_function_that_takes_an_arrival_is_in_the_list() -> None:
    takes_an_arrival = {
        function
        for name, function in inspect.getmembers(checks, inspect.isfunction)
        if list(inspect.signature(function).parameters) == ["arrival"]
    }
    assert takes_an_arrival == {*CHECKS, check}
    assert len(CHECKS) == len(set(CHECKS))


def test_nothing_is_opened_before_every_cheap_check_has_passed(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: bytes, kind: str) -> None:
        raise AssertionError("the decoder was started")

    monkeypatch.setattr(checks, "rebuild_apart", refuse)
    Consent.objects.all().delete()
    assert refusal(visit, upload(), visit.created_by) == "no_consent"


def test_first_check_that_refuses_ends_them(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def passes(arrival: Arrival) -> None:
        asked.append("passes")

    def refuses(arrival: Arrival) -> None:
        asked.append("refuses")
        raise RejectedPhoto("busy")

    def never(arrival: Arrival) -> None:
        asked.append("never")

    monkeypatch.setattr(checks, "CHECKS", (passes, refuses, never))
    with pytest.raises(RejectedPhoto, match="busy"):
        check(Arrival(visit, upload(), visit.created_by))
    assert asked == ["passes", "refuses"]


def codes_of(each: Check) -> list[str]:
    """Return the codes that a check may refuse with, in the order of the source."""
    asks: dict[Check, Callable[..., object]] = {
        checks.visit_has_room: checks.refuse_full,
        checks.is_a_picture: formats.check_outside,
    }
    return re.findall(r'(?:RejectedPhoto|UndecodablePhoto)\("(\w+)"', inspect.getsource(asks.get(each, each)))


def test_table_of_codes_keeps_the_order_of_the_checks() -> None:
    met = list(dict.fromkeys(code for each in CHECKS for code in codes_of(each)))
    assert len(met) >= 8
    assert met == [code for code in CODES if code in met]


def test_same_file_twice_in_a_visit_is_refused(visit: Visit, stored: Path) -> None:
    receive_photo(visit, upload(), visit.created_by)
    assert refusal(visit, upload(name="copy.jpg"), visit.created_by) == "duplicate_in_visit"
    assert refusal(visit, upload(), visit.created_by, keep_duplicate=True) == "duplicate_in_visit"
    assert len(files(stored)) == 2


def test_same_file_in_another_visit_is_a_warning(visit: Visit, stored: Path) -> None:
    receive_photo(visit, upload(), visit.created_by)
    later = make_visit(visit.patient, date(2026, 11, 27))
    assert refusal(later, upload(), visit.created_by) == "duplicate_in_patient"
    assert receive_photo(later, upload(), visit.created_by, keep_duplicate=True).visit == later


def test_same_file_of_another_patient_is_asked_back(visit: Visit, stored: Path) -> None:
    receive_photo(visit, upload(), visit.created_by)
    other = make_visit(make_patient(visit.created_by, name="Omar Haddad"))
    assert refusal(other, upload(), visit.created_by) == "duplicate_in_other_patient"
    assert receive_photo(other, upload(), visit.created_by, keep_duplicate=True).visit == other


def test_erased_photo_of_another_patient_asks_nothing_back(visit: Visit, stored: Path) -> None:
    erase_picture(receive_photo(visit, upload(), visit.created_by))
    other = make_visit(make_patient(visit.created_by, name="Omar Haddad"))
    assert receive_photo(other, upload(), visit.created_by).visit == other


def test_full_visit_takes_no_more(visit: Visit, stored: Path, settings: Any) -> None:
    settings.PHOTOS_PER_VISIT = 1
    receive_photo(visit, upload(), visit.created_by)
    assert refusal(visit, upload(picture(colour="red")), visit.created_by) == "visit_full"


def test_one_person_adds_so_many_photos_a_day(visit: Visit, bo: User, stored: Path, settings: Any) -> None:
    settings.PHOTOS_PER_USER_AND_DAY = 1
    receive_photo(visit, upload(), visit.created_by)
    assert refusal(visit, upload(picture(colour="red")), visit.created_by) == "day_full"
    assert receive_photo(visit, upload(picture(colour="red")), bo)
    Photo.objects.update(uploaded_at=timezone.now() - timedelta(days=1, seconds=1))
    assert receive_photo(visit, upload(picture(colour="blue")), visit.created_by)


def test_too_large_upload_is_refused_without_reading_it(visit: Visit, settings: Any) -> None:
    settings.PHOTO_MAX_BYTES = 10
    file = upload()
    assert refusal(visit, file, visit.created_by) == "too_large"
    assert file.tell() == 0
