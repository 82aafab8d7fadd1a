"""Nothing is cut off or overlaps: with the long words of every language and many badges, on desktop and phone."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.chromium import resize
from tests.e2e.conftest import OpenPage, set_user, sign_in
from tests.e2e.test_every_page import too_wide
from tests.e2e.test_timeline import written
from tests.engines.installation import Installation

NEEDS_MUCH = """
from patients.models import Patient
from tests.factories import make_photo, make_prediction
visit = Patient.objects.get(pk="{patient}").visits.latest("date")
for state in ("choose_face", "rejected", "running"):
    make_prediction(make_photo(visit), state=state, **(dict(reason="too_small") if state == "rejected" else dict()))
patient = Patient.objects.get(pk="{patient}")
patient.name = "Wilhelmina Alexandra Montgomery-Featherstone"
patient.save()
"""
# Words that end outside the nearest box with hidden overflow. What scrolls is not cut off.
CUT_OFF = """() => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode, range = document.createRange();
        let box = text.parentElement.closest("main *, .banner *");
        range.selectNodeContents(text);
        const end = range.getBoundingClientRect();
        if (!box || !text.data.trim() || !end.width || box.closest(".hide, svg, thead, dialog, [popover], .menu__sheet")) continue;
        for (; box && getComputedStyle(box).overflowX === "visible"; box = box.parentElement);
        if (!box || /auto|scroll/.test(getComputedStyle(box).overflowX)) continue;
        if (end.right > box.getBoundingClientRect().right + 1) found.push(text.data.trim());
    }
    return found;
}"""
BANNER_GAP = """() => document.querySelector(".banner .push").getBoundingClientRect().left
    - Math.max(...Array.from(document.querySelectorAll(".banner__name, .facts dd"), e => e.getBoundingClientRect().right))"""
SCALE_GAP = """() => Math.min(...Array.from(document.querySelectorAll("#timeline .y5tick"), e => e.getBoundingClientRect().top))
    - Math.max(...Array.from(document.querySelectorAll("#timeline .annotation-text"), e => e)
        .filter(e => e.textContent.includes("Bereich")).map(e => e.getBoundingClientRect().bottom))"""
pytestmark = pytest.mark.usefixtures("as_before")
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def record(installation: Installation) -> str:
    """Return the address of a patient with twelve visits, the last of which has photos of every kind."""
    address = written(installation, "WHOLE-12", 12, 4, 28)
    installation.run(NEEDS_MUCH.format(patient=address.split("/")[2]))
    return address


def in_language(installation: Installation, page: Page, language: str, path: str) -> None:
    set_user(installation, f"language='{language}'")
    sign_in(page, installation, path=path)


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_no_word_is_cut_off(installation: Installation, open_page: OpenPage, record: str, language: str) -> None:
    page = open_page(viewport=DESK)
    in_language(installation, page, language, "/patients/")
    wrong = []
    for path in ("/patients/", record, record + "compare/"):
        page.goto(path)
        for size in (DESK, PHONE):
            resize(page, size)
            wrong += page.evaluate(CUT_OFF) + too_wide(page)
        page.set_viewport_size(DESK)
    assert wrong == []


def test_the_scales_of_self_reports_keep_clear_of_the_usual_range(
    installation: Installation, open_page: OpenPage, record: str
) -> None:
    page = open_page(viewport=DESK)
    in_language(installation, page, "de", record)
    expect(page.locator("#timeline .y5tick").first).to_be_visible()
    gap = page.evaluate(SCALE_GAP)
    assert gap >= 4


def test_the_facts_of_the_banner_keep_clear_of_its_buttons(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = open_page(viewport=PHONE)
    in_language(installation, page, "de", record)
    expect(page.locator(".banner")).to_contain_text("WHOLE-12")
    gap = page.evaluate(BANNER_GAP)
    assert gap >= 0


def test_a_long_name_keeps_clear_of_the_buttons(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = open_page(viewport=PHONE)
    in_language(installation, page, "de", record + "edit/")
    name = page.locator("#id_name")
    before = name.input_value()
    name.fill("Maximiliane-Friederike Freifrau von Hohenzollern-Donaudampfschifffahrt")
    page.locator("form[data-draft] button.btn--primary").click()
    page.wait_for_url("**" + record)
    gap = page.evaluate(BANNER_GAP)
    wide = too_wide(page)
    page.goto(record + "edit/")
    page.locator("#id_name").fill(before)
    page.locator("form[data-draft] button.btn--primary").click()
    page.wait_for_url("**" + record)
    assert gap >= 0
    assert wide == []


def test_the_totals_of_a_self_report_stand_on_one_line(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = open_page(viewport=DESK)
    in_language(installation, page, "de", record)
    page.locator(".visits .rowlink").first.click()
    page.wait_for_load_state("load")
    tops = [page.locator(f"[name={name}]").evaluate("field => field.getBoundingClientRect().top") for name in ("phq9", "gad7")]
    assert tops[0] == tops[1]
