"""The walk of a clinician: sign-in, upload, result, timeline, CSV; with scripts, without them, and by keyboard alone."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in_by_form
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait, without_face

INES = "Ines Aalto"  # of the demo


def files(*numbers: int) -> list[FilePayload]:
    """Return portraits as a file picker hands them over."""
    uploads = [portrait(number) for number in numbers]
    return [FilePayload(name=upload.name or "", mimeType="image/jpeg", buffer=upload.read()) for upload in uploads]


def dog(quality: int = 90) -> FilePayload:
    upload = without_face(quality)
    return FilePayload(name=upload.name or "", mimeType="image/jpeg", buffer=upload.read())


def add_visit(page: Page, patient: str) -> None:
    """Add a visit to a patient of the demo, who consents to photos; end on the visit's page."""
    page.goto("/patients/")
    page.get_by_role("link", name=patient).last.click()
    page.get_by_role("link", name="New visit").first.click()
    page.get_by_role("button", name="Create visit").click()
    expect(page.get_by_role("heading", name="Visit,")).to_be_visible()
    page.wait_for_load_state("load")  # from now on a script handles chosen files


def rows(download: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download.read_text(encoding="utf-8-sig"))))


@pytest.mark.slow("walks the whole way of a first day")
def test_from_sign_in_to_csv(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in_by_form(page, installation)
    add_visit(page, INES)
    visit = page.url
    page.locator("#files").set_input_files([*files(1, 2, 3), dog()])
    cards = page.locator("#photos > .photo")
    read = cards.filter(has_text=re.compile("of 10 raters|Too close to call"))
    expect(read).to_have_count(3, timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="1 unusable photo")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#unusable")).to_contain_text("No face found")
    page.reload()
    expect(read).to_have_count(3)

    read.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Photo ")).to_be_visible()

    page.goto(visit)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = rows(download.value.path())
    assert [line["state"] for line in lines].count("done") == 3
    assert [line["state"] for line in lines].count("no_face") == 1
    assert all(line["record_number"] == "DEMO-1" for line in lines)
    probabilities = [float(line["happy"]) for line in lines if line["state"] == "done"]
    assert all(0 <= value <= 1 for value in probabilities)

    page.goto("/patients/")
    page.get_by_role("link", name=INES).last.click()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    assert {line["photo"] for line in lines} < {line["photo"] for line in rows(download.value.path())}


@pytest.mark.slow("walks the whole way of a first day")
def test_without_javascript(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    open_new_visit(page, installation)
    visit = page.url.rstrip("/").rpartition("/")[2]
    page.locator("#files").set_input_files(files(11, 12))
    page.get_by_role("button", name="Add photos").click()
    expect(page.locator("#photos > .photo")).to_have_count(2)
    eventually(lambda: installation.all_final(visit), "both photos are read")
    page.reload()
    cards = page.locator("#photos > .photo").filter(has=page.get_by_role("link"))
    expect(cards).to_have_count(2)
    cards.first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Photo ")).to_be_visible()
    page.go_back()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    assert [line["state"] for line in rows(download.value.path())] == ["done", "done"]


def focused(page: Page) -> str:
    """Return the accessible text of the focused element; empty if that is the whole page."""
    script = """e = document.activeElement,
        e === document.body ? '' : (e.getAttribute('aria-label') || e.innerText || e.name || '').trim()"""
    return str(page.evaluate(script))


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the element that says `text` has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if text in focused(page):
            return
    raise AssertionError(f"{text} is not reached by the keyboard on {page.url}")


@pytest.mark.slow("walks the whole way of a first day")
def test_keyboard_alone(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/")
    expect(page.get_by_label("Work e-mail")).to_be_focused()
    page.keyboard.type(installation.email)
    tab_to(page, "Forgot password?")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(installation.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/")
    page.keyboard.press("Tab")
    assert "Skip" in focused(page)
    tab_to(page, INES)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=INES)).to_be_visible()
    tab_to(page, "New visit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New visit")).to_be_visible()
    tab_to(page, "Create visit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Visit,")).to_be_visible()
    tab_to(page, "Choose files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(files(21))
    expect(page.locator("#photos > .photo").get_by_role("link")).to_have_count(1, timeout=PATIENCE_MS)
    tab_to(page, "raters")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Photo ")).to_be_visible()
