"""A report is shown, then made in the background: the page Tasks follows it by itself, and its file is downloaded."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.chromium import violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_timeline import written
from tests.engines.installation import Installation

WORKER_MS = 60_000
"""How long a worker may take that yields to all other work."""


@pytest.mark.slow("a worker makes a report")
def test_report_is_followed_and_downloaded(installation: Installation, open_page: OpenPage, tmp_path: Path) -> None:
    record = written(installation, "TASK-1", 5, 3, 28)
    page = open_page()
    sign_in(page, installation, path=f"{record}export/")
    page.get_by_role("button", name="Show the report").click()
    expect(page.get_by_text("What you see is what is printed.")).to_be_visible()
    assert violations_in_both_themes(page) == []
    page.get_by_role("button", name="Make the PDF").click()
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    download = page.get_by_role("link", name="Download")
    expect(download).to_be_visible(timeout=WORKER_MS)
    expect(page.locator("#tasks-link .tally")).to_have_count(0)
    assert violations_in_both_themes(page) == []
    with page.expect_download() as arrived:
        download.click()
    arrived.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
