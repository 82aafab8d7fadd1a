"""The pages of an import: the plan, the uploads, the failures, and the undo."""

import hashlib
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from inference.models import Prediction
from patients.models import AccessLog, Consent, Import, ImportFailure, OwnLabel, Patient, Photo, User, Visit
from tests.factories import make_photo, make_visit, picture, upload
from tests.patients.views.test_moving import words

DAY = "2026-09-10"


def taken(moment: str, colour: str = "teal") -> bytes:
    """Return a JPEG with the camera's time, as "2026:09:10 10:00:00"."""
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = moment
    return picture(colour=colour, exif=exif)


@pytest.fixture
def paths(browser: Client, ines: Patient, sent: list[str]) -> dict[str, str]:
    """Return the addresses of an import that has begun."""
    answer = browser.post(f"/patients/{ines.pk}/import/begin/", {"name": "Sessions 2026", "asked": "3"})
    assert answer.status_code == 201
    return dict(answer.json())


def add(browser: Client, paths: dict[str, str], content: bytes, **fields: object) -> Any:  # Any: JSON
    asked = {"photos": upload(content, "IMG_1.jpg"), "day": DAY} | fields
    answer = browser.post(paths["add_imported_photo"], asked)
    return answer.json() | {"status": answer.status_code}


def test_the_browser_learns_where_files_go_from_hashes_and_dates_alone(browser: Client, visit: Visit) -> None:
    here = picture(colour="red")
    browser.post(f"/visits/{visit.pk}/photos/", {"photos": upload(here)})
    asked = {
        "files": [[hashlib.sha256(here).hexdigest(), f"{visit.date}T10:00:00"], ["0" * 64, f"{DAY}T10:00:00"], ["1" * 64, None]],
        "whole_days": [],
    }
    table = words(browser.post(f"/patients/{visit.patient_id}/import/plan/", json.dumps(asked), content_type="application/json"))
    assert "1 already here" in table
    assert "nothing new" in table
    assert "new visit" in table
    assert "No date" in table
    assert 'data-fresh="1"' in table


@pytest.mark.parametrize(
    "asked",
    [
        "no JSON",
        "{}",
        '{"files": [["short", null]], "whole_days": []}',
        '{"files": [["%s", "noon"]], "whole_days": []}',
        "[" * 100_000,
    ],
    ids=["no JSON", "nothing asked", "no hash", "no time", "deep"],
)
def test_a_malformed_question_is_refused(browser: Client, ines: Patient, asked: str) -> None:
    body = asked.replace("%s", "0" * 64)
    assert browser.post(f"/patients/{ines.pk}/import/plan/", body, content_type="application/json").status_code == 400


def test_photos_of_a_new_day_make_one_visit(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    for colour in ("red", "blue"):
        assert add(browser, paths, picture(colour=colour))["status"] == 201
    visit = ines.visits.get()
    batch = Import.objects.get()
    assert (visit.date, visit.imported_in, visit.photos.count()) == (date(2026, 9, 10), batch, 2)
    assert {photo.imported_in for photo in Photo.objects.all()} == {batch}
    assert batch.name == "Sessions 2026"
    assert AccessLog.objects.filter(action="upload").count() == 2
    browser.post(paths["finish_import"])
    page = words(browser.get(paths["show_import"]))
    assert "2 photos added to 1 visit." in page
    assert "from the folder “Sessions 2026”" in page


def test_each_answer_says_how_many_are_analysed(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    assert add(browser, paths, picture(colour="red"))["analysed"] == {}
    Prediction.objects.all().drop("too_dark")
    assert add(browser, paths, picture(colour="blue"))["analysed"] == {"2026-09-10": 1}


def test_photos_go_to_the_visit_there_is(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    there = make_visit(ines, date(2026, 9, 10))
    add(browser, paths, picture(colour="red"))  # by the day: it was made meanwhile
    add(browser, paths, picture(colour="blue"), visit=str(there.pk))
    assert there.photos.count() == 2
    assert ines.visits.count() == 1


def test_a_photo_that_is_there_is_no_failure(browser: Client, paths: dict[str, str]) -> None:
    add(browser, paths, picture())
    assert add(browser, paths, picture())["code"] == "duplicate_in_visit"
    assert not ImportFailure.objects.exists()


def test_a_failure_stays_until_it_is_acknowledged(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    answer = add(browser, paths, b"no picture")
    assert answer["code"] == "unsupported_format"
    browser.post(paths["finish_import"])
    assert not ines.visits.exists()  # nothing came into it
    page = words(browser.get(paths["show_import"]))
    assert "IMG_1.jpg" in page
    assert "for 10 Sep 2026" in page
    assert "This is not a JPEG" in page
    assert "1 photo of the import of" in words(browser.get(f"/patients/{ines.pk}/import/"))
    address = paths["show_import"] + "acknowledge/"
    assert "This is not a JPEG" not in words(browser.post(address, {"failure": answer["failure"]}, follow=True))
    assert ImportFailure.objects.get().acknowledged_at
    assert "of the import of" not in words(browser.get(f"/patients/{ines.pk}/import/"))


def test_a_second_attempt_that_works_forgets_the_failure(browser: Client, paths: dict[str, str]) -> None:
    failure = add(browser, paths, b"no picture")["failure"]
    again = add(browser, paths, b"no picture", failure=failure)["failure"]
    assert list(ImportFailure.objects.values_list("pk", flat=True)) == [again]
    assert add(browser, paths, picture(), failure=again)["status"] == 201
    assert not ImportFailure.objects.exists()


def test_a_file_that_never_arrived_is_reported(browser: Client, paths: dict[str, str]) -> None:
    browser.post(paths["report_failure"], {"code": "gone", "name": "IMG_9.jpg", "day": DAY})
    assert "This file can no longer be read." in words(browser.get(paths["show_import"]))


@pytest.mark.parametrize("day", ["", "2099-01-01", "1980-01-01", "soon"])
def test_a_day_that_cannot_be_makes_no_visit(browser: Client, ines: Patient, paths: dict[str, str], day: str) -> None:
    assert add(browser, paths, picture(), day=day)["code"] == "visit_gone"
    assert not ines.visits.exists()


def test_an_import_is_undone(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    there = make_visit(ines, date(2026, 3, 2))
    kept = make_photo(there)
    add(browser, paths, picture(colour="red"))
    add(browser, paths, picture(colour="blue"), visit=str(there.pk))
    page = words(browser.post(paths["show_import"] + "undo/", follow=True))
    assert "Import undone. 2 photos were deleted." in page
    assert list(Photo.objects.all()) == [kept]
    assert list(ines.visits.all()) == [there]
    assert AccessLog.objects.filter(action="delete", object_kind="photo").count() == 2
    assert "Import undone" in words(browser.get(paths["show_import"]))
    assert add(browser, paths, picture(colour="green"))["code"] == "visit_gone"


def test_a_new_visit_with_a_note_outlives_the_undo(browser: Client, ines: Patient, paths: dict[str, str]) -> None:
    add(browser, paths, picture())
    visit = Visit.objects.get()
    visit.note = "Sleeps better."
    visit.save()
    browser.post(paths["show_import"] + "undo/")
    assert ines.visits.get().photos.count() == 0


@pytest.mark.parametrize("change", ["label", "late"])
def test_an_import_that_cannot_be_undone_stays(browser: Client, ada: User, paths: dict[str, str], change: str) -> None:
    add(browser, paths, picture())
    if change == "label":
        OwnLabel.objects.create(photo=Photo.objects.get(), clinician=ada, label="sad")
    else:
        Import.objects.update(created_at=timezone.now() - timedelta(hours=25))
    why = {"label": "Someone has labelled a photo of this import.", "late": "An import can be undone for 24 hours."}[change]
    assert why in words(browser.post(paths["show_import"] + "undo/", follow=True))
    assert Photo.objects.count() == 1


def test_a_colleague_sees_the_import_and_changes_nothing(bo: User, ines: Patient, paths: dict[str, str]) -> None:
    ines.assign(bo)
    colleague = Client()
    colleague.force_login(bo)
    assert "Import not finished" in words(colleague.get(paths["show_import"]))
    for name in ("add_imported_photo", "report_failure", "finish_import"):
        assert colleague.post(paths[name], {"code": "gone"}).status_code == 404
    assert "Only the person who imported" in words(colleague.post(paths["show_import"] + "undo/", follow=True))


def test_a_stranger_finds_no_import(strange: Client, ines: Patient, paths: dict[str, str]) -> None:
    assert strange.get(f"/patients/{ines.pk}/import/").status_code == 404
    assert strange.get(paths["show_import"]).status_code == 404
    assert strange.post(paths["show_import"] + "undo/").status_code == 404


def test_without_consent_nothing_begins(browser: Client, ines: Patient) -> None:
    Consent.objects.all().delete()
    assert browser.post(f"/patients/{ines.pk}/import/begin/", {}).json()["code"] == "no_consent"
    assert not Import.objects.exists()


def test_without_a_script_two_forms_do_the_same(browser: Client, ines: Patient, sent: list[str]) -> None:
    sources = {"a.jpg": taken("2026:09:10 10:00:00"), "b.jpg": taken("2026:10:01 09:00:00", "red"), "c.jpg": picture(colour="blue")}

    def files() -> list[SimpleUploadedFile]:
        return [upload(content, name) for name, content in sources.items()]

    address = f"/patients/{ines.pk}/import/"
    page = browser.post(address, {"photos": files()}).content.decode()
    assert "10 Sep 2026" in page
    assert "No date" in page
    assert not Photo.objects.exists()
    hidden = {
        f"file-{hashlib.sha256(content).hexdigest()}": row
        for content, row in zip(sources.values(), [DAY, "2026-10-01", "undated"], strict=True)
    }
    for name, row in hidden.items():
        assert f'name="{name}" value="{row}"' in " ".join(page.split())
    another = {"to-undated": "other", "other-undated": "2026-09-08"}
    asked = hidden | {"photos": files(), "add": "1", "row": [DAY, "undated"]} | another
    done = words(browser.post(address, asked, follow=True))
    assert "2 photos added to 2 visits." in done
    assert "1 photo was left out, as you chose." in done
    assert {visit.date for visit in ines.visits.all()} == {date(2026, 9, 8), date(2026, 9, 10)}
