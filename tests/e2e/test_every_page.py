"""Every page that the list of addresses holds: accessible in both themes, on desk and phone, and whole at 200 % zoom."""

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.chromium import STEP_MS, violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.pages import Address, pages
from tests.engines.installation import Installation

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 640, "height": 400}  # what is left of the desk at 200 %
LEAST_PAGES = 24


@pytest.fixture(scope="module")
def found(house: Installation, browser: Browser) -> tuple[list[Address], list[Address]]:
    """Return the pages for somebody signed in and for nobody."""
    inside, outside = browser.new_context(base_url=house.address), browser.new_context(base_url=house.address)
    inside.set_default_timeout(STEP_MS)
    sign_in(inside.new_page(), house)
    answer = pages(house, inside, outside)
    inside.close()
    outside.close()
    return answer


def too_wide(page: Page) -> list[str]:
    """Return by how much the page is wider than its window, nothing when it is not."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{page.url} is {wide} px too wide"] if wide > 0 else []


def test_the_list_of_addresses_holds_every_page(found: tuple[list[Address], list[Address]]) -> None:
    inside, outside = found
    names = {each.name for each in inside}
    assert len(names) >= LEAST_PAGES
    assert {"list", "detail", "compare", "consents", "visit", "photo", "settings", "model_card", "edit_event"} <= names
    assert {"account_login", "account_reset_password"} <= {each.name for each in outside}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_is_accessible_in_light_and_dark(
    house: Installation, open_page: OpenPage, found: tuple[list[Address], list[Address]], size: dict[str, int]
) -> None:
    inside, outside = found
    page = open_page(viewport=size)
    wrong = _walked(page, outside)
    sign_in(page, house)
    assert wrong + _walked(page, inside) == []


def test_every_page_is_whole_at_twice_the_size(
    house: Installation, open_page: OpenPage, found: tuple[list[Address], list[Address]]
) -> None:
    inside, outside = found
    page = open_page(viewport=ZOOMED, device_scale_factor=2)
    wrong = []
    for group in (outside, inside):
        for address in group:
            page.goto(address.path)
            wrong += too_wide(page)
        if group is outside:
            sign_in(page, house)
    assert wrong == []


def _walked(page: Page, group: list[Address]) -> list[str]:
    wrong = []
    for address in group:
        page.goto(address.path)
        page.wait_for_load_state("load")
        wrong += violations_in_both_themes(page) + too_wide(page)
    return wrong
