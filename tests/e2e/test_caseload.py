"""My patients in a real browser: sorted and filtered, with the choice in the address."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chromium import violations
from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation

SCRIPTS = pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["with JavaScript", "without JavaScript"])


def in_order(page: Page) -> bool:
    names = page.locator(".pt .rowlink").all_inner_texts()
    return len(names) > 3 and names == sorted(names)


@SCRIPTS
def test_a_head_sorts_and_a_team_filters(installation: Installation, open_page: OpenPage, options: dict[str, bool]) -> None:
    page = open_page(**options)
    sign_in(page, installation)
    head = page.get_by_role("columnheader", name="Patient", exact=True)
    page.get_by_role("link", name="Patient", exact=True).press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert in_order(page)
    page.get_by_label("Team").select_option("Day clinic")
    if options:
        page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/patients/\?(?=.*sort=name)(?=.*team=\d+)"))
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.reload()
    expect(page.get_by_label("Team")).to_have_value(re.compile(r"\d+"))
    expect(head).to_have_attribute("aria-sort", "ascending")
    if not options:
        page.get_by_label("Search by name").fill("ines")
        expect(page.locator(".pt .rowlink")).to_have_count(1)
        assert "ines" not in page.url
        assert violations(page) == []
