"""Events, comparison, baseline and settings in a real browser: by mouse, without JavaScript, and by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_timeline import written
from tests.e2e.test_walk import focused, tab_to
from tests.engines.installation import Installation

SCRIPTS = pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["mouse", "without JavaScript"])


@pytest.fixture(scope="module")
def record(installation: Installation) -> str:
    """Return the address of a patient with twelve visits, four weeks apart, read by two models."""
    return written(installation, "RECORD-12", 12, 4, 28)


def opened(page: Page, installation: Installation, address: str) -> Page:
    sign_in(page, installation, path=address)
    expect(page.get_by_role("heading", name="Jonas Record")).to_be_visible()
    return page


@SCRIPTS
def test_an_event_is_added_changed_and_removed(
    installation: Installation, open_page: OpenPage, record: str, options: dict[str, bool]
) -> None:
    page = opened(open_page(**options), installation, record)
    events = page.locator("#events")
    label = f"Moved installation, {len(options)}"
    events.get_by_role("link", name="Add event").click()
    page.get_by_label("Kind").select_option("life_event")
    page.get_by_label("What happened").fill(label)
    page.get_by_label("First day").fill("2025-06-02")
    page.get_by_role("button", name="Add event").click()
    expect(events).to_contain_text(label)
    events.get_by_role("link", name=label).click()
    page.get_by_label("Last day").fill("2025-06-20")
    page.get_by_role("button", name="Save").click()
    expect(events).to_contain_text("2 Jun 2025 to 20 Jun 2025")
    events.get_by_role("link", name=label).click()
    page.get_by_role("button", name="Delete event").click()
    expect(events).not_to_contain_text(label)


@SCRIPTS
def test_two_visits_and_two_periods_are_compared(
    installation: Installation, open_page: OpenPage, record: str, options: dict[str, bool]
) -> None:
    page = opened(open_page(**options), installation, record)
    page.get_by_label("Record", exact=True).get_by_role("link", name="Compare").click()
    expect(page.locator(".comparison__head")).to_contain_text("1 visit, 4 photos, interval over photos")
    page.get_by_text("Compare periods instead").click()
    for side, since, until in (("First", "2025-03-04", "2025-05-27"), ("Second", "2025-06-24", "2025-12-30")):
        period = page.get_by_role("group", name=side)
        period.get_by_label("From").fill(since)
        period.get_by_label("To").fill(until)
    page.get_by_role("button", name="Compare periods").click()
    expect(page.locator(".comparison__head")).to_contain_text("interval over visits")
    expect(page.locator(".comparison__head")).to_contain_text("4 Mar 2025 to 27 May 2025 4 visits, 16 photos")
    expect(page.get_by_text("Read by different models.")).to_be_visible()


@SCRIPTS
def test_usual_visits_are_chosen(installation: Installation, open_page: OpenPage, record: str, options: dict[str, bool]) -> None:
    page = opened(open_page(**options), installation, record)
    expect(page.locator(".outside")).to_contain_text("from the first 8 visits")
    page.locator(".outside").get_by_role("link", name="Change").click()
    expect(page.get_by_role("button", name="Use these visits")).to_be_visible()  # the button comes after the choices
    boxes = page.get_by_role("checkbox")
    for k in range(boxes.count()):
        boxes.nth(k).set_checked(k < 3)
    page.get_by_role("button", name="Use these visits").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least four visits, or use the first eight.")
    page.get_by_role("checkbox").nth(3).check()
    page.get_by_role("button", name="Use these visits").click()
    expect(page.locator(".outside")).to_contain_text("from 4 chosen baseline visits")
    page.locator(".outside").get_by_role("link", name="Change").click()
    page.get_by_role("button", name="Use the first eight").click()
    expect(page.locator(".outside")).to_contain_text("from the first 8 visits")


@pytest.mark.usefixtures("as_before")
@SCRIPTS
def test_the_language_is_chosen_and_every_page_follows(
    installation: Installation, open_page: OpenPage, record: str, options: dict[str, bool]
) -> None:
    page = opened(open_page(**options), installation, record)
    page.goto("/settings/")
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Einstellungen", exact=True)).to_be_visible()
    page.goto(record)
    expect(page.get_by_role("heading", name="Termine")).to_be_visible()
    if not options:
        expect(page.locator("#timeline .xtick").filter(has_text="Mai").first).to_be_attached()
        page.locator("[data-plot]").press("End")
        expect(page.locator("[data-tip]")).to_contain_text("Modell 1.3.0")
    page.goto("/settings/")
    page.get_by_label("Sprache").select_option("")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_event_and_comparison_by_keyboard_alone(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Add event")).to_be_visible()
    page.get_by_label("Kind").focus()
    page.keyboard.type("Note")
    page.keyboard.press("Tab")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("05012025")
    tab_to(page, "Add event")
    page.keyboard.press("Enter")
    expect(page.locator("#events")).to_contain_text("By keyboard")
    page.wait_for_load_state("load")  # what follows needs the scripts
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Compare two visits or periods")).to_be_visible()
    tab_to(page, "First and last visit")
    page.keyboard.press("Enter")
    expect(page.locator(".comparison__head")).to_contain_text("4 Mar 2025")
    tab_to(page, "When is a difference more than chance?")
    assert "difference" in focused(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("then it is bold")).to_be_visible()
