"""An import of a folder in a real browser: dates from the files, the plan, the uploads, the end and the undo."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.chromium import PATIENCE_MS, violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation
from tests.engines.portraits import portrait

PHONE = {"width": 390, "height": 844}


def dated(folder: Path, number: int, moment: str | None, kind: str = "JPEG") -> Path:
    """Write a portrait with the camera's time into the folder. Return its path."""
    exif = Image.Exif()
    if moment:
        exif.get_ifd(0x8769)[0x9003] = moment
    path = folder / f"IMG_{number}.{kind.lower()}"
    with Image.open(portrait(number)) as picture:
        picture.save(path, kind, quality=92, exif=exif.tobytes())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two days, a night, and photos whose day a person must choose."""
    folder = tmp_path / "Sessions"
    folder.mkdir()
    for number, moment in (
        (201, "2026:02:03 10:00:00"),
        (202, "2026:02:03 10:01:00"),
        (203, "2026:02:17 23:50:00"),
        (204, "2026:02:18 00:30:00"),
        (205, None),
        (206, "2099:01:01 10:00:00"),
    ):
        dated(folder, number, moment)
    dated(folder, 207, "2026:02:03 10:02:00", "PNG")
    dated(folder, 208, "2026:02:03 10:03:00", "WEBP")
    (folder / "notes.txt").write_text("no photo")
    (folder / "cut.jpg").write_bytes((folder / "IMG_201.jpeg").read_bytes()[:9000])
    return folder


def opened(page: Page, installation: Installation) -> None:
    sign_in(page, installation)
    page.get_by_role("link", name="Jonas Brandt").last.click()
    page.locator(".banner").get_by_label("More").click()
    page.get_by_role("link", name="Import photos").click()
    expect(page.get_by_role("heading", name="Import photos of many dates")).to_be_visible()
    page.wait_for_load_state("load")  # what follows needs the scripts


def undo(page: Page) -> None:
    page.locator("summary").filter(has_text="Undo this import").click()
    page.get_by_role("button", name="Undo this import").click()


def row(page: Page, day: str) -> str:
    return " ".join(page.locator(f'[data-row="{day}"]').inner_text().split())


def choose_another_date(page: Page) -> None:
    """Give the photo without a date one that no row has, then that of a row; then leave it open again."""
    undated = page.get_by_label("Visit for these photos").first
    undated.select_option(label="Another date…")
    expect(page.get_by_text("1 photo without a usable date stays out until you choose.")).to_be_visible()
    page.get_by_label("Date of the visit").first.fill("2026-02-20")
    expect(page.get_by_role("button", name="Add 9 photos to 3 visits")).to_be_visible()
    page.get_by_label("Date of the visit").first.fill("2026-02-03")  # the day of another row: one visit
    expect(page.get_by_role("button", name="Add 9 photos to 2 visits")).to_be_visible()
    undated.select_option(label="Choose a visit")
    expect(page.get_by_role("button", name="Add 8 photos to 2 visits")).to_be_visible()


@pytest.mark.slow("photos of several visits are read")
def test_a_folder_becomes_visits_and_is_undone(installation: Installation, open_page: OpenPage, folder: Path) -> None:
    page = open_page()
    opened(page, installation)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.locator("#import-folder").set_input_files(folder)
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    assert [url.rpartition("/import/")[2] for url in posts] == ["plan/"]  # asked once; no photo was sent
    assert row(page, "2026-02-03") == "3 Feb 2026 Tuesday 5 – 5 new visit"
    assert "with 1 taken after midnight" in row(page, "2026-02-17")
    expect(page.locator("#import-plan tbody tr")).to_have_count(4)
    expect(page.get_by_text("1 other file was ignored")).to_be_visible()
    expect(page.get_by_text("2 photos without a usable date stay out until you choose.")).to_be_visible()
    page.get_by_label("Visit for these photos").last.select_option(label="3 Feb 2026, new")
    choose_another_date(page)
    assert violations_in_both_themes(page) == []
    page.get_by_role("button", name="Separate").click()
    expect(page.locator("#import-plan tbody tr")).to_have_count(5)
    page.get_by_label("Visit for these photos").last.select_option(label="3 Feb 2026, new")
    page.get_by_role("button", name="Add 8 photos to 3 visits").press("Enter")
    expect(page.get_by_role("heading", name="Import finished")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("7 photos added to 3 visits.")).to_be_visible()
    expect(page.locator("#import-failed")).to_have_text("Could not be added")
    expect(page.locator(".fails")).to_contain_text("cut.jpg")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert violations_in_both_themes(page) == []
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".fails")).to_have_count(0)
    finished = page.url

    opened(page, installation)
    page.locator("#import-folder").set_input_files(folder)
    expect(page.locator("#import-plan")).to_be_visible()
    assert "4 already here" in row(page, "2026-02-03")
    expect(page.get_by_role("button", name="Add 1 photo to 1 visit")).to_be_visible()  # the one that failed

    page.goto(finished)
    undo(page)
    expect(page.get_by_text("Import undone. 7 photos were deleted.")).to_be_visible()


def slowly(route: Route) -> None:
    """Let the photo wait, as on a slow line."""
    route.request.frame.page.wait_for_timeout(400)
    route.continue_()


def test_an_import_is_cancelled_on_a_phone(installation: Installation, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(viewport=PHONE)
    opened(page, installation)
    assert violations_in_both_themes(page) == []
    photos = [dated(tmp_path, number, "2026:01:05 10:00:00") for number in range(221, 227)]
    expect(page.locator("#import-files")).to_have_attribute("tabindex", "-1")  # Tab never stops at what is not seen
    page.locator("#import-files").set_input_files(photos)
    expect(page.get_by_role("button", name="Add 6 photos to 1 visit")).to_be_visible()
    assert violations_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.route("**/imports/*/photos/", slowly)
    page.get_by_role("button", name="Add 6 photos to 1 visit").click()
    expect(page.get_by_text("Keep this page open until all are sent.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Import finished")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("^[1-5] photos? added to 1 visit."))).to_be_visible()


def test_an_import_goes_on_by_itself_after_the_server_was_busy(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    outside = browser.new_context(base_url=installation.address)  # not watched: the test provokes refusals
    page = outside.new_page()
    opened(page, installation)
    page.locator("#import-files").set_input_files([dated(tmp_path, number, "2026:01:06 10:00:00") for number in (241, 242)])
    busy = {"code": "busy", "message": "Too many photos are arriving at once.", "retry": True, "failure": None}
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if answer.url.endswith("/photos/") else None)
    answer = {"status": 503, "json": busy, "headers": {"Retry-After": "1"}}
    page.route("**/imports/*/photos/", lambda route: route.fulfill(**answer), times=3)
    page.get_by_role("button", name="Add 2 photos to 1 visit").click()
    expect(page.get_by_text(re.compile("^2 photos added to 1 visit."))).to_be_visible(timeout=PATIENCE_MS)
    assert sorted(answers) == [201, 201, 503, 503, 503]
    outside.close()


def test_without_a_script_the_server_shows_where_photos_go(installation: Installation, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(java_script_enabled=False)
    opened(page, installation)
    photos = [dated(tmp_path, 231, "2026:01:12 10:00:00"), dated(tmp_path, 232, None)]
    page.locator("#import-files").set_input_files(photos)
    page.get_by_role("button", name="Check where they go").click()
    expect(page.get_by_role("row", name="12 Jan 2026")).to_be_visible()
    page.get_by_label("Choose the same photos again").set_input_files(photos)
    page.get_by_role("button", name="Add 1 photo").click()
    expect(page.get_by_text("1 photo added to 1 visit.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("1 photo was left out, as you chose.")).to_be_visible()
