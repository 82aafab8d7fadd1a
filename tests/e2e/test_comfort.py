"""Shortcuts, help texts, tours and keyboard use in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chromium import violations_in_both_themes
from tests.e2e.conftest import OpenPage, set_user, sign_in
from tests.engines.installation import Installation

INES = "Ines Aalto"  # of the demo


def open_ines(page: Page) -> None:
    page.goto("/patients/")
    page.get_by_role("link", name=INES).last.click()
    expect(page.get_by_role("heading", name=INES)).to_be_visible()
    page.wait_for_load_state("load")  # what follows needs the scripts


def test_question_mark_shows_the_shortcuts_and_escape_puts_them_away(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    sheet = page.locator("#keys")
    expect(sheet).to_be_hidden()
    page.keyboard.press("?")
    expect(sheet).to_be_visible()
    assert violations_in_both_themes(page) == []
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_single_keys_lead_where_the_sheet_says(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.keyboard.press("/")
    expect(page.get_by_label("Search by name")).to_be_focused()
    page.keyboard.type("no one ?gs")  # text, not a shortcut
    expect(page.locator("#keys")).to_be_hidden()
    open_ines(page)
    patient = page.url
    page.keyboard.press("t")
    expect(page.locator("[data-plot]")).to_be_focused()
    page.keyboard.press("/")
    page.wait_for_url("**/patients/#q")
    expect(page.get_by_label("Search by name")).to_be_focused()
    for key, address in {"n": "**/visits/new/", "e": "**/events/new/", "c": "**/compare/"}.items():
        page.goto(patient)
        page.keyboard.press(key)
        page.wait_for_url(address)
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/settings/")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/patients/")


@pytest.mark.usefixtures("as_before")
def test_single_keys_can_be_switched_off(installation: Installation, open_page: OpenPage) -> None:
    set_user(installation, "has_shortcuts=False")
    page = open_page()
    sign_in(page, installation)
    open_ines(page)
    patient = page.url
    for key in ("?", "n", "c"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.url == patient
    page.get_by_label("Ada Demo, menu").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_text("off in your preferences")).to_be_visible()


def test_a_question_is_answered_where_it_arises_also_without_scripts(installation: Installation, open_page: OpenPage) -> None:
    for options in ({}, {"java_script_enabled": False}):
        page = open_page(**options)
        sign_in(page, installation)
        page.get_by_role("button", name="What is the usual range?").click()
        expect(page.get_by_text("own range, not a norm")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_text("own range, not a norm")).to_be_hidden()


def test_the_tour_is_taken_by_keyboard_and_comes_only_once(installation: Installation, open_page: OpenPage) -> None:
    set_user(installation, "tours_seen=[]")
    page = open_page()
    sign_in(page, installation, is_toured=False)
    tour = page.locator("#tour")
    expect(tour.get_by_role("heading", name="Welcome to Affectline")).to_be_visible()
    found = violations_in_both_themes(page)
    tour.get_by_role("button", name="Next").focus()
    for title in ("Your patients", "Needs your attention", "Your menu"):
        page.keyboard.press("Enter")
        expect(tour.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator(".who.is-toured")).to_be_visible()
    expect(tour.get_by_role("button", name="Skip the tour")).to_be_hidden()
    expect(tour.get_by_role("button", name="Done")).to_be_focused()
    with page.expect_response("**/settings/tour/"):
        page.keyboard.press("Enter")
    expect(tour).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="My patients")).to_be_visible()
    expect(tour).to_have_count(0)
    assert found == []


def test_escape_skips_the_tour(installation: Installation, open_page: OpenPage) -> None:
    set_user(installation, "tours_seen=[]")
    page = open_page()
    sign_in(page, installation, is_toured=False)
    page.locator("#tour").get_by_role("button", name="Next").focus()
    with page.expect_response("**/settings/tour/"):
        page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_have_count(0)


def test_patient_fits_on_paper(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 688, "height": 972}, color_scheme="dark")  # A4 within its margins
    sign_in(page, installation)
    open_ines(page)
    expect(page.locator("#timeline .main-svg").first).to_be_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    drawing = page.locator("#timeline .main-svg").first
    expect(drawing).to_have_attribute("width", "680")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    for chrome in (".topbar", ".tabs", ".tools", ".banner .btn", "#events .btn", ".why"):
        expect(page.locator(chrome).first).to_be_hidden()
    expect(page.locator(".banner")).to_contain_text("DEMO-1")
    expect(page.locator(".numbers tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(drawing).not_to_have_attribute("width", "680")


def test_nothing_moves_for_those_who_ask_for_stillness(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    sign_in(page, installation)
    moving = """Array.from(document.querySelectorAll('*'), e => getComputedStyle(e))
        .filter(s => s.animationName !== 'none' || s.transitionDuration !== '0s').length"""
    for path in ("/patients/", "/settings/"):
        page.goto(path)
        assert page.evaluate(moving) == 0
