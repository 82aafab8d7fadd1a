"""The access log in a real browser: filtered and opened by keyboard, and without JavaScript."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation


def opened_log(page: Page, installation: Installation) -> Page:
    sign_in(page, installation)
    page.get_by_role("link", name="Ines Aalto").first.click()
    page.get_by_label("Record", exact=True).get_by_role("link", name="Access log").click()
    expect(page.get_by_role("heading", name="Access log")).to_be_visible()
    return page


def test_filters_are_applied_on_change_and_stay_in_the_address(installation: Installation, open_page: OpenPage) -> None:
    page = opened_log(open_page(), installation)
    page.wait_for_load_state("load")  # what follows needs the scripts
    entries = page.locator("#entries")
    expect(entries).to_contain_text("opened the record")
    page.get_by_label("Action").focus()
    page.keyboard.type("Added")
    expect(entries).not_to_contain_text("opened the record")
    expect(page.get_by_label("Action")).to_be_focused()
    expect(page).to_have_url(re.compile("action=changed"))
    more = entries.get_by_role("row", name="photos to the visit of").first.locator("details")
    more.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(more.get_by_role("link").first).to_have_text("photo 1")
    page.emulate_media(media="print")
    expect(page.get_by_text("Action: Added or changed.")).to_be_visible()
    expect(more).to_be_hidden()
    page.emulate_media(media="screen")
    page.reload()
    expect(entries).not_to_contain_text("opened the record")
    page.get_by_label("From", exact=True).fill("2099-01-01")
    expect(entries).to_contain_text("No entries match.")
    entries.get_by_role("link", name="Clear the filters").click()
    expect(entries).to_contain_text("opened the record")


def test_filters_work_without_a_script(installation: Installation, open_page: OpenPage) -> None:
    page = opened_log(open_page(java_script_enabled=False), installation)
    page.get_by_label("Show image views").check()
    page.get_by_label("Group what belongs together").uncheck()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_label("Group what belongs together")).not_to_be_checked()
    expect(page.get_by_label("Show image views")).to_be_checked()
    expect(page.locator("#entries details")).to_have_count(0)
