"""Every page in the URL configuration: accessible in both themes, on desktop, phone and at 200% zoom, and within the policy."""

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from demo.management.commands.load_demo import ADMINISTRATOR, EMAIL
from tests.e2e.chromium import POLICY_VIOLATIONS, STEP_MS, resize, use, violations, violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.pages import Address, pages_by_role
from tests.engines.installation import Installation

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
ZOOMED: ViewportSize = {"width": 640, "height": 400}  # a desktop window at 200%


ROLES = {"signed out": "", "clinician": EMAIL, "administrator": ADMINISTRATOR}
Found = dict[str, list[Address]]


@pytest.fixture(scope="module")
def found(installation: Installation, browser: Browser) -> Found:
    """Return the pages by the first role that may open them."""
    contexts = {role: browser.new_context(base_url=installation.address, locale="en-US") for role in ROLES}
    for role, email in ROLES.items():
        contexts[role].set_default_timeout(STEP_MS)
        if email:
            sign_in(contexts[role].new_page(), installation, email=email)
    answer = pages_by_role(installation, contexts)
    for context in contexts.values():
        context.close()
    return answer


def opened_as(open_page: OpenPage, installation: Installation, role: str, **options: object) -> Page:
    """Return an empty page of a user in that role."""
    page = open_page(**options)
    if ROLES[role]:
        sign_in(page, installation, email=ROLES[role])
    return page


def too_wide(page: Page) -> list[str]:
    """Return by how much the page is wider than its window; empty if it is not, or not for long: figures follow their window."""
    for _ in range(20):
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide <= 0:
            return []
        page.wait_for_timeout(200)
    return [f"{page.url} is {wide} px too wide"]


def test_the_list_of_addresses_holds_every_page(found: Found) -> None:
    names = {role: {each.name for each in group} for role, group in found.items()}
    clinical = {"list", "detail", "compare", "consents", "visit", "photo", "settings", "model_card", "edit_event", "access_log"}
    assert clinical <= names["clinician"]
    assert {"people", "person", "health"} <= names["administrator"]
    assert {"account_login", "account_reset_password"} <= names["signed out"]


@pytest.mark.slow("opens every page of the role")
@pytest.mark.timeout(1800)  # dozens of pages, on a slow computer
@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_accessible_and_whole_and_keeps_to_the_policy(
    installation: Installation, open_page: OpenPage, found: Found, role: str
) -> None:
    page = opened_as(open_page, installation, role, viewport=DESK)  # open_page watches every request and the console
    page.add_init_script(POLICY_VIOLATIONS)
    wrong = []
    for address in found[role]:
        page.set_viewport_size(DESK)
        page.goto(address.path)
        page.wait_for_load_state("load")
        # Colours are the same on every size: contrast in dark is measured on the desk alone.
        for size in (PHONE, ZOOMED, DESK):
            resize(page, size)
            wrong += too_wide(page) + (violations(page) if size == PHONE else [])
        wrong += violations_in_both_themes(page)
        use(page)
        wrong += [f"{address.path}: {each}" for each in page.evaluate("window.violations")]
    assert wrong == []
