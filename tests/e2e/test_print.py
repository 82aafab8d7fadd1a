"""Paper: each sheet says whose it is, when it was printed and by whom, and its number; what was chosen is readable; no controls."""

import io
import re

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_timeline import written
from tests.e2e.test_timeline_show import overlap
from tests.engines.installation import Installation

SIZES = {"A4": (595, 842), "Letter": (612, 792)}  # in points
CONTROLS = ("New visit", "Add photos", "Add event", "Save", "Compare periods", "Use these visits", "Show all", "Sign out", "Skip")
SAID = """
from patients.models import Patient, SelfReport
visit = Patient.objects.get(pk="{pk}").visits.order_by("-date")[0]
SelfReport.objects.update_or_create(visit=visit, defaults=dict(mood=8, phq9=11))
print("visit", visit.pk, visit.photos.first().pk)
"""


@pytest.fixture(scope="module")
def addresses(installation: Installation) -> dict[str, str]:
    """Return the address of each page of a patient with twenty visits."""
    record = written(installation, "PR-20", 20, 6, 28)
    visit, photo = installation.run(SAID.format(pk=record.split("/")[2])).split()[-2:]
    pages = {"timeline": "", "compare": "compare/", "baseline": "usual-range/", "consent": "consent/", "access log": "access-log/"}
    return {name: record + path for name, path in pages.items()} | {"visit": f"/visits/{visit}/", "photo": f"/photos/{photo}/"}


def sheets(page: Page, size: str) -> list[str]:
    """Return the text of each printed sheet, and check its size."""
    reader = PdfReader(io.BytesIO(page.pdf(format=size)))
    assert all([float(side) for side in sheet.mediabox[2:]] == pytest.approx(SIZES[size], abs=2) for sheet in reader.pages)
    return [re.sub(r"\s+", " ", sheet.extract_text()) for sheet in reader.pages]


@pytest.mark.parametrize("size", SIZES)
def test_every_sheet_says_whose_it_is_and_has_no_controls(
    installation: Installation, open_page: OpenPage, addresses: dict[str, str], size: str
) -> None:
    page = open_page()
    sign_in(page, installation)
    for name, address in addresses.items():
        page.goto(address)
        printed = sheets(page, size)
        whose = page.locator("html").get_attribute("data-paper-who") or ""
        assert re.fullmatch(r".+ · born \d+ \w+ \d{4} · record PR-20", whose)
        for number, text in enumerate(printed, start=1):
            assert whose in text, f"{name}, sheet {number}: {text[:200]}"
            assert f"Page {number} of {len(printed)}" in text, f"{name}, sheet {number}"
            assert re.search(r"\d+ \w+ \d{4}, \d\d:\d\d, Ada Demo", text), f"{name}, sheet {number}"
            assert [word for word in CONTROLS if re.search(rf"\b{word}\b", text)] == [], f"{name}, sheet {number}"


def test_page_of_no_patient_has_numbered_sheets_too(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.goto("/model-card/")
    printed = sheets(page, "A4")
    assert [f"Page {n} of {len(printed)}" in text for n, text in enumerate(printed, start=1)] == [True] * len(printed)


def test_chosen_values_are_dark_on_paper(installation: Installation, open_page: OpenPage, addresses: dict[str, str]) -> None:
    page = open_page()
    sign_in(page, installation)
    page.goto(addresses["visit"])
    page.emulate_media(media="print", color_scheme="dark")
    chosen = page.locator(".scale input:checked + span")
    expect(chosen).to_have_text("8")
    expect(chosen).to_have_css("color", "rgb(0, 0, 0)")
    expect(chosen).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(page.locator("[name=phq9]")).to_have_value("11")


def test_texts_of_the_figure_do_not_cover_each_other_on_paper(
    installation: Installation, open_page: OpenPage, addresses: dict[str, str]
) -> None:
    page = open_page()
    sign_in(page, installation)
    page.goto(addresses["timeline"])
    expect(page.locator("#timeline .main-svg").first).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    boxes = page.locator("#timeline :is(.annotation-text, .ytick text, .xtick text, .legend li)").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).filter(box => box.width)"
        ".map(box => [box.left, box.top, box.right, box.bottom])"
    )
    assert len(boxes) > 20
    assert [(one, other) for k, one in enumerate(boxes) for other in boxes[k + 1 :] if overlap(one, other)] == []
