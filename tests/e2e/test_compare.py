"""Two visits are chosen by name, by keyboard alone, and set side by side at every width."""

from playwright.sync_api import expect

from tests.e2e.chromium import violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.test_timeline import WRITE
from tests.engines.installation import Installation

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def test_visits_are_chosen_by_name_and_drawn_at_every_width(installation: Installation, open_page: OpenPage) -> None:
    code = WRITE.format(email=installation.email, number="CO-1", visits=12, photos=4, days=28)
    page = open_page(viewport=DESK)
    sign_in(page, installation, path=f"/patients/{installation.run(code).split()[-1]}/compare/")
    expect(page.get_by_label("First").locator("option:checked")).to_contain_text("4 of 4 photos")
    page.get_by_label("First").focus()
    page.keyboard.press("End")  # the last option: the baseline visits
    expect(page.get_by_label("First").locator("option:checked")).to_have_text("8 baseline visits")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The mean valence index was")).to_be_visible()
    for size in (DESK, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a size
        plots = page.locator(".comparison__plot .dots:not(.dots--scale)")
        boxes = [plot.bounding_box() for plot in plots.all()]
        assert len(boxes) == 8
        assert all(box is not None and box["width"] >= 240 for box in boxes)
        assert violations_in_both_themes(page) == []
