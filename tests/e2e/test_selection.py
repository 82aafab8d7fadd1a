"""Many photos at once: selected by mouse and by keyboard, unusable ones in one strip, files that do not fit, several faces."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.cohort import clear_portraits
from tests.e2e.chromium import PATIENCE_MS, violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_walk import INES, add_visit, dog, files
from tests.engines.installation import Installation


def group(people: int) -> FilePayload:
    """Return one picture of several faces side by side, as a file picker hands it over."""
    side, out = 320, io.BytesIO()
    picture = Image.new("RGB", (side * people, side))
    for place, portrait in enumerate(clear_portraits()[:people]):
        with Image.open(portrait.path) as face:
            picture.paste(face.resize((side, side)), (side * place, 0))
    picture.save(out, "JPEG", quality=92)
    return FilePayload(name="group.jpg", mimeType="image/jpeg", buffer=out.getvalue())


def choose_large(page: Page) -> None:
    """Enlarge the photo of seven people and choose the last one, by keyboard."""
    page.get_by_role("link", name="Enlarge").click()
    page.keyboard.press("7")
    expect(page.locator("#enlarged [data-face].is-chosen")).to_have_count(1)
    assert violations_in_both_themes(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Enlarge")).to_be_focused()
    expect(page.get_by_role("button", name="Use face 7")).to_be_visible()


@pytest.mark.slow("reads six photos")
def test_many_photos_are_changed_at_once(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    add_visit(page, INES)
    page.locator("#files").set_input_files([*files(181, 182, 183), dog(61), dog(62), group(7)])
    unusable = page.locator("#unusable")
    expect(unusable.get_by_role("heading")).to_have_text("2 unusable photos", timeout=PATIENCE_MS)
    # Sorted once all were read, without a reload: the face to choose first, unusable photos apart.
    expect(page.locator("#photos > .photo").first).to_have_class(re.compile("is-choose"))
    expect(page.locator("#photos > .photo")).to_have_count(4)

    choose_large(page)
    boxes = page.get_by_role("checkbox", name="Select photo")
    expect(boxes).to_have_count(4)  # those in the closed strip are not there
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    boxes.nth(3).focus()
    page.keyboard.press("Shift+Space")
    expect(page.get_by_text("3 photos selected")).to_be_visible()
    page.keyboard.press("Enter")  # does not send the form
    page.locator("#selection summary", has_text="Exclude").press("Enter")
    assert violations_in_both_themes(page) == []
    page.get_by_label("Reason").fill("Speaking.")
    page.get_by_label("Reason").press("Enter")
    expect(page.get_by_text("3 photos excluded.")).to_be_visible()
    expect(page.locator("#photos > .is-excluded")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 photos counted again.")).to_be_visible()

    page.get_by_role("button", name="Dismiss all unusable (2)").click()
    expect(page.get_by_text("2 photos dismissed.")).to_be_visible()
    expect(page.get_by_role("button", name="Dismiss all unusable")).to_have_count(0)
    page.wait_for_load_state("load")  # what follows needs the scripts

    boxes.nth(1).click()
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text("4 photos selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()


def test_what_does_not_fit_is_said_before_anything_is_sent(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    add_visit(page, INES)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator("#drop-hint").evaluate("hint => hint.dataset.room = 2")
    page.locator("#drop").evaluate("drop => drop.dataset.maxBytes = 90000")
    pdf = FilePayload(name="notes.jpg", mimeType="image/jpeg", buffer=b"%PDF-1.7")
    empty = FilePayload(name="empty.jpg", mimeType="image/jpeg", buffer=b"")
    large = FilePayload(name="large.jpg", mimeType="image/jpeg", buffer=b"\xff\xd8\xff" + b"0" * 95_000)
    page.locator("#files").set_input_files([*files(191, 192, 193), pdf, empty, large])
    asked = page.locator("#upload-asked")
    expect(asked).to_contain_text("6 files chosen")
    expect(asked).to_contain_text("1 too many: this visit has room for 2 more photos.")
    expect(asked).to_contain_text("notes.jpg: This is not a JPEG")
    expect(asked).to_contain_text("empty.jpg: The file is empty.")
    expect(asked).to_contain_text("large.jpg (96 kB): The file is larger than")
    assert sent == []
    assert violations_in_both_themes(page) == []
    page.get_by_role("button", name="Send the 2 that fit").press("Enter")
    expect(page.locator("#photos > .photo[id]")).to_have_count(2, timeout=PATIENCE_MS)
    expect(asked).to_be_hidden()
