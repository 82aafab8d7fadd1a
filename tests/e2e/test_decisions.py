"""Decisions in a real browser: which face, whether a photo counts, whose visit it was; also without scripts."""

import io

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.cohort import spoiled_portraits
from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in
from tests.e2e.test_photos import JONAS
from tests.e2e.test_walk import INES, add_visit, files, tab_to
from tests.engines.installation import Installation, eventually

SCRIPTS = pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])


def spoiled(expected: str, quality: int) -> FilePayload:
    """Return a picture of the demo that the reader answers with `expected`. Another quality makes another file."""
    path = next(portrait.path for portrait in spoiled_portraits() if portrait.expected == expected)
    out = io.BytesIO()
    with Image.open(path) as picture:
        picture.save(out, "JPEG", quality=quality)
    return FilePayload(name=path.name, mimeType="image/jpeg", buffer=out.getvalue())


def hand_in(page: Page, installation: Installation, photos: list[FilePayload], with_script: bool) -> None:
    """Add a visit with these photos and wait until they are final."""
    add_visit(page, INES)
    visit = page.url.rstrip("/").rpartition("/")[2]
    page.locator("#files").set_input_files(photos)
    if not with_script:
        page.get_by_role("button", name="Add photos").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(len(photos), timeout=PATIENCE_MS)
    eventually(lambda: installation.all_final(visit), "the photos are final")
    page.reload()


@SCRIPTS
def test_a_face_is_chosen_and_a_refusal_is_dismissed(installation: Installation, open_page: OpenPage, with_script: bool) -> None:
    page = open_page(java_script_enabled=with_script)
    sign_in(page, installation)
    quality = 91 if with_script else 92
    hand_in(page, installation, [spoiled("choose_face", quality), spoiled("too_dark", quality)], with_script)
    visit = page.url.rstrip("/").rpartition("/")[2]
    choose = page.locator(".photo").filter(has_text=f"Which one is {INES}?")
    choose.get_by_role("radio", name="Face 2").check()
    choose.get_by_role("button", name="Use face 2" if with_script else "Use this face").click()
    expect(page.get_by_text(f"Which one is {INES}?")).to_have_count(0)
    dark = page.locator(".photo").filter(has_text="Not used: too dark")
    page.get_by_text("Show photos").click()
    dark.get_by_role("button", name="Dismiss").click()
    if not with_script:
        page.get_by_text("Show photos").click()
    expect(dark.get_by_role("button", name="Dismiss")).to_have_count(0)
    with page.expect_response("**/retry/"):
        dark.get_by_role("button", name="Retry").click()
    eventually(lambda: installation.all_final(visit), "both are read again")
    page.reload()
    page.get_by_text("Show photos").click()
    expect(dark.get_by_role("button", name="Dismiss")).to_be_visible()


@SCRIPTS
def test_a_photo_is_left_out_and_counted_again(installation: Installation, open_page: OpenPage, with_script: bool) -> None:
    page = open_page(java_script_enabled=with_script)
    sign_in(page, installation)
    hand_in(page, installation, files(151 if with_script else 152), with_script)
    visit = page.url
    page.locator("#photos .rowlink").click()
    page.locator("summary").filter(has_text="Exclude").click()
    page.get_by_label("Reason").fill("Eyes closed.")
    page.get_by_role("button", name="Exclude photo").click()
    page.goto(visit)
    expect(page.locator("#photos")).to_contain_text("“Eyes closed.” Not counted.")
    expect(page.locator("#visit-state")).to_contain_text("0 of 1 photo")
    page.get_by_role("button", name="Include again").click()
    expect(page.locator("#photos .ten")).to_be_visible()
    page.goto(visit)
    expect(page.locator("#visit-state")).to_contain_text("1 of 1 photo")


def test_what_moved_the_score_is_drawn_by_keyboard(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.locator("#files").set_input_files(files(161))
    expect(page.locator("#photos .rowlink")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator("#photos .rowlink").press("Enter")
    tab_to(page, "Show which areas mattered")
    page.keyboard.press("Enter")
    drawn = page.get_by_role("img", name="covering the darker areas")
    expect(drawn).to_be_visible(timeout=PATIENCE_MS)
    assert drawn.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0


@SCRIPTS
def test_a_new_patient_consents_and_a_visit_of_the_wrong_one_moves_over(
    installation: Installation, open_page: OpenPage, with_script: bool
) -> None:
    page = open_page(java_script_enabled=with_script)
    sign_in(page, installation)
    number = f"NEW-{int(with_script)}"
    page.get_by_role("link", name="Add patient").click()
    page.get_by_label("Name").fill("Noor Vermeer")
    page.get_by_label("Date of birth").fill("1990-04-12")
    page.get_by_label("Record number").fill(number)
    page.get_by_role("button", name="Add patient").click()
    expect(page.get_by_text("Now record their consent.")).to_be_visible()
    page.locator("#care").get_by_label("Given on").fill("2026-03-01")
    page.locator("#care").get_by_label("How").select_option("signed")
    page.locator("#care").get_by_role("button", name="Record consent").click()
    expect(page.locator("#care")).to_contain_text("Since ")
    page.get_by_label("Record", exact=True).get_by_role("link", name="Timeline").click()
    page.get_by_role("link", name="New visit").first.click()
    page.get_by_label("Date").fill("2026-03-02")
    page.get_by_role("button", name="Create visit").click()
    expect(page.get_by_role("heading", name="Visit, 2 March 2026")).to_be_visible()
    page.get_by_label("More", exact=True).first.click()
    page.get_by_role("link", name="Change date or note").click()
    page.get_by_label("Date").fill("2026-03-03")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Visit, 3 March 2026")).to_be_visible()
    page.get_by_label("More", exact=True).first.click()
    page.get_by_role("link", name="Move to another patient").click()
    page.get_by_label("Belongs to").select_option(label=JONAS)
    page.get_by_role("button", name="Move the visit").click()
    expect(page.get_by_label("Patient", exact=True)).to_contain_text("Jonas Brandt")
    expect(page.get_by_role("heading", name="Visit, 3 March 2026")).to_be_visible()
