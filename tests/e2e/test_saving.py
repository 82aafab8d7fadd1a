"""Forms that save by themselves, in a real browser: "Saved" is said when it is true, and only then."""

from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_walk import INES, add_visit
from tests.engines.installation import Installation, eventually


def test_what_could_not_be_saved_is_said(house: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, house)
    add_visit(page, INES)
    report, note = page.locator("#self-report-said"), page.locator("#note-said")
    page.get_by_label("PHQ-9 total").fill("12")
    expect(report).to_have_text("Not saved yet")
    page.keyboard.press("Tab")
    expect(report).to_contain_text("Saved")
    page.get_by_label("PHQ-9 total").fill("30")
    page.keyboard.press("Tab")
    expect(report).to_contain_text("Not saved. ")
    expect(report).to_have_class("push tiny said--bad")
    page.context.set_offline(True)
    page.get_by_label("Note", exact=True).fill("Slept badly.")
    expect(note).to_have_text("Not saved yet")
    expect(note).to_have_text("Not saved. Try again.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Save note").click()
    expect(note).to_contain_text("Saved")
    expect(note).to_have_class("push tiny muted")


def test_a_note_is_kept_when_one_leaves_at_once(house: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, house)
    add_visit(page, INES)
    visit = page.url
    page.get_by_label("Note", exact=True).fill("Slept better.")
    page.get_by_role("link", name="My patients").first.click()
    page.wait_for_url("**/patients/")

    def is_kept() -> bool:
        page.goto(visit)
        return page.get_by_label("Note", exact=True).input_value() == "Slept better."

    eventually(is_kept, "the note is kept")
