"""The timeline in a real browser: drawn, read by mouse, finger and keyboard alone, in both themes, and without a share button."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chromium import violations_in_both_themes
from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation, eventually

WRITE = """
from patients.models import User
from tests.patients.timeline.long_record import write_events, write_record
clinician = User.objects.get(email="{email}")
patient = write_record(clinician, "{number}", visits={visits}, photos={photos}, days_apart={days})
write_events(patient, clinician)
print("patient", patient.pk)
"""
PHONE = {"width": 390, "height": 844}
TALL = {"width": 1280, "height": 1600}


def written(installation: Installation, number: str, visits: int, photos: int, days: int) -> str:
    """Return the address of a new patient with that record."""
    code = WRITE.format(email=installation.email, number=number, visits=visits, photos=photos, days=days)
    return "/patients/" + installation.run(code).split()[-1] + "/"


@pytest.fixture(scope="module")
def record(installation: Installation) -> str:
    """Return the address of a patient with twenty visits, four weeks apart."""
    return written(installation, "TL-20", 20, 6, 28)


def opened(page: Page, installation: Installation, address: str) -> Page:
    sign_in(page, installation, path=address)
    expect(page.locator("#timeline .main-svg").first).to_be_visible()
    return page


def open_menu(page: Page) -> None:
    page.locator("[data-menu] > summary").click()


def attribute(page: Page, script: str) -> object:
    """Return what `script` says of the drawn figure, with its data and layout at hand."""
    return page.evaluate(f"() => {{ const g = document.querySelector('#timeline .js-plotly-plot'); return {script}; }}")


def test_figure_is_drawn_without_a_way_to_send_it_away(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    assert page.locator(".modebar-btn, .modebar, [data-title*=hare]").count() == 0
    assert attribute(page, "[g._context.showSendToCloud, g._context.displaylogo, g._context.plotlyServerURL]") == [False, False, ""]
    assert attribute(page, "g._fullLayout.yaxis.range") == [-1, 1]
    assert attribute(page, "g.data.find(t => t.name === 'visits').x.length") == 20
    assert "<b>Dental surgery</b>" in page.locator("#timeline .annotation-text").all_text_contents()


def test_every_step_by_keyboard(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    page.locator("[data-plot]").focus()
    card, said = page.locator("[data-tip]"), page.locator("[data-said]")
    expect(card).to_be_hidden()
    page.keyboard.press("End")
    expect(card).to_contain_text("18 Aug 2026")
    expect(card).to_contain_text("6 of 6 photos")
    page.keyboard.press("ArrowLeft")
    expect(card).to_contain_text("21 Jul 2026")
    expect(said).to_contain_text("21 Jul 2026, valence index")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(card).to_contain_text("18 Aug 2026")
    page.keyboard.press("Home")
    expect(card).to_contain_text("4 Mar 2025")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(page.locator("[data-cross]")).to_be_hidden()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_url("**/visits/**")


def test_range_buttons_fields_and_steps_move_the_view(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    first, last = page.get_by_label("From", exact=True), page.get_by_label("To", exact=True)
    expect(first).to_have_value("2025-03-04")
    page.get_by_role("button", name="6 m").click()
    expect(page.get_by_role("button", name="6 m")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="All", exact=True)).to_have_attribute("aria-pressed", "false")
    expect(last).to_have_value("2026-08-18")
    assert attribute(page, "g._fullLayout.xaxis.range[0].slice(0, 7)") == "2026-02"
    page.locator("[data-plot]").focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-tip]")).to_contain_text("4 Mar 2025")
    assert attribute(page, "g._fullLayout.xaxis.range[0].slice(0, 7)") == "2025-02"
    expect(page.get_by_role("button", name="6 m")).to_have_attribute("aria-pressed", "false")
    first.fill("2026-01-01")
    last.fill("2026-03-01")
    last.press("Tab")
    assert attribute(page, "g._fullLayout.xaxis.range.map(d => d.slice(0, 10))") == ["2025-12-29", "2026-03-04"]


SAID_SINCE = """
from datetime import date
from patients.models import Patient, SelfReport
patient = Patient.objects.get(pk="{pk}")
visit = patient.visits.create(date=date(2026, 10, 13), created_by=patient.visits.first().created_by)
SelfReport.objects.create(visit=visit, mood=4)
"""


def test_a_year_is_typed_digit_by_digit(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    first, last = page.locator("#from"), page.locator("#to")
    year = int(last.input_value()[:4])
    last.focus()
    page.keyboard.type(f"0228{year}")
    expect(last).to_be_focused()
    expect(last).to_have_value(f"{year}-02-28")
    last.fill("1950-01-01")
    expect(page.get_by_text("The first day comes after the last.")).to_be_visible()
    first.fill("1949-01-01")
    expect(page.get_by_text("The first day comes after the last.")).to_have_count(0)


def test_range_buttons_reach_what_was_said_after_the_last_photos(installation: Installation, open_page: OpenPage) -> None:
    address = written(installation, "TL-21", 6, 3, 28)  # the last photos are of 22 July 2025
    installation.run(SAID_SINCE.format(pk=address.split("/")[2]))
    page = opened(open_page(), installation, address)
    expect(page.get_by_label("To", exact=True)).to_have_value("2026-10-13")
    page.get_by_role("button", name="6 m").click()
    expect(page.get_by_label("To", exact=True)).to_have_value("2026-10-13")
    assert attribute(page, "g._fullLayout.xaxis.range[0].slice(0, 7)") == "2026-04"
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_label("To", exact=True)).to_have_value("2026-10-13")


def test_pointer_shows_a_card_and_a_click_opens_the_visit(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    plot = page.locator("[data-plot]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    x = attribute(page, "g._fullLayout.xaxis.d2p('2026-08-18') + g._fullLayout.xaxis._offset")
    assert isinstance(x, int | float)
    page.mouse.move(box["x"] + x + 6, box["y"] + 120)
    expect(page.locator("[data-tip]")).to_contain_text("18 Aug 2026")
    page.mouse.move(box["x"] + x + 6, box["y"] - 30)
    expect(page.locator("[data-tip]")).to_be_hidden()
    page.mouse.move(box["x"] + x, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + x - 200, box["y"] + 120, steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert page.url.endswith(record)  # a drag moves the view and opens nothing
    assert attribute(page, "g._fullLayout.xaxis.range[0] > '2025-02-20'")
    page.get_by_role("button", name="All", exact=True).click()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x, box["y"] + 120)
    page.wait_for_url("**/visits/**")


def test_toggles_and_views(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    dots = "g.data.find(t => t.name === 'photos').x.length"
    verticals = "g.layout.shapes.filter(s => s.name === 'event').length"
    assert attribute(page, dots) == 120
    open_menu(page)
    page.locator("[data-show=photos]").uncheck()
    assert attribute(page, dots) == 0
    assert attribute(page, verticals) == 8  # four verticals, two bars with an edge
    page.locator("[data-show=event]").uncheck()
    assert attribute(page, verticals) == 0
    assert attribute(page, "g._fullLayout.yaxis5.domain[1] < g._fullLayout.yaxis.domain[0]")  # mood has a row of its own
    page.locator("[data-show=mood]").uncheck()
    assert attribute(page, "[g.data.some(t => t.name === 'mood'), 'yaxis5' in g.layout]") == [False, False]
    page.locator("[data-show=mood]").check()
    assert attribute(page, "g.data.some(t => t.name === 'mood')")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Separate").click()
    assert attribute(page, "g.data.filter(t => /^y1[1-7]$/.test(t.yaxis)).length") == 21
    assert attribute(page, "g.data.filter(t => t.yaxis === 'y2').length") == 0
    expect(page.locator("[data-legend=stacked]")).to_be_hidden()


def test_menu_of_rows_by_keyboard(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(viewport=TALL), installation, record)
    height, titles = "g._fullLayout.height", "g.layout.annotations.filter(n => /^title/.test(n.name)).map(n => n.text)"
    before = attribute(page, height)
    button = page.locator("[data-menu] > summary")
    expect(button).to_have_text(re.compile(r"Show\s*3"))
    button.focus()
    page.keyboard.press("Enter")
    for name in ("photos", "mood"):
        page.keyboard.press("Tab")
        expect(page.locator(f"[data-show={name}]")).to_be_focused()
    page.keyboard.press("Space")
    expect(button).to_have_text(re.compile(r"Show\s*2"))
    assert attribute(page, f"{height} - {before}") == -94  # 56 for the row, 38 for its title
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert attribute(page, titles) == ["Valence index", "Expressions, share of each visit", "Photos, used and missing (hatched)"]
    assert attribute(page, "g._fullLayout.yaxis3.domain[0]") == 0
    assert violations_in_both_themes(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("[data-show=mood]")).to_be_hidden()
    expect(button).to_be_focused()


WRITE_DAYS = """
from datetime import date, timedelta
from patients.models import User
from tests.patients.timeline.long_record import write_days
days = {days}
print("patient", write_days(User.objects.get(email="{email}"), "{number}", days, ([{photos}] * len(days))[:len(days)]).pk)
"""
MONTHLY = "[date(2023, 1, 1) + timedelta(days=61 * k) for k in range(18)]"
DENSITIES = {
    "a week of daily visits after years": f"{MONTHLY} + [date(2026, 1, 20) + timedelta(days=k) for k in range(7)]",
    "two visits on one day": f"sorted({MONTHLY} + [date(2025, 11, 5)] * 2 + [date(2025, 12, 5)])",
    "four visits on one day": f"{MONTHLY} + [date(2026, 1, 20)] * 4",
    "every day for a year": "[date(2025, 1, 1) + timedelta(days=k) for k in range(365)]",
    "weeks of daily visits, then rare ones": "[date(2023, 1, 1) + timedelta(days=k) for k in range(30)]"
    " + [date(2023, 6, 1) + timedelta(days=91 * k) for k in range(12)]",
}
CROWDED = {"every day for a year", "weeks of daily visits, then rare ones"}  # two pixels a bar are not to be had
# For every visit in view: how wide its drawn bars are, how wide the line around them is, and their distance from the visit's day.
BARS = """() => {
    const g = document.querySelector("#timeline .js-plotly-plot");
    const [bars, axis] = [g.calcdata.filter(each => each[0].trace.yaxis === "y2"), g._fullLayout.xaxis];
    const rows = Array.from(g.querySelectorAll(".subplot.xy2 .barlayer .trace"));
    return bars[3].map((bar, k) => {
        const path = rows[3].querySelectorAll(".point")[k].querySelector("path");
        const box = path.getBBox();
        const line = parseFloat(getComputedStyle(path).strokeWidth) || 0;
        return { width: box.width, line: line, fill: getComputedStyle(path).fill, at: box.x + box.width / 2, height: box.height };
    }).filter(each => each.at > 0 && each.at < axis._length && each.height > 0);
}"""


def assert_bars_are_seen(page: Page, least: float) -> None:
    """Check that of every bar more colour is seen than line, that bars do not cover each other, and that none is too thin."""
    bars = page.evaluate(BARS)
    assert len(bars) > 3
    assert min(bar["width"] - bar["line"] for bar in bars) >= least
    ends = sorted((bar["at"] - bar["width"] / 2, bar["at"] + bar["width"] / 2) for bar in bars)
    assert all(before[1] <= after[0] + 1.0 for before, after in pairwise(ends))


@pytest.mark.slow("draws up to a year of daily visits")
@pytest.mark.parametrize("density", DENSITIES)
def test_bars_are_seen_at_any_density(installation: Installation, open_page: OpenPage, density: str) -> None:
    number = f"TL-D{list(DENSITIES).index(density)}"
    code = WRITE_DAYS.format(days=DENSITIES[density], email=installation.email, number=number, photos=3)
    page = opened(open_page(), installation, "/patients/" + installation.run(code).split()[-1] + "/")
    least = 1 if density in CROWDED else 2
    assert_bars_are_seen(page, least)
    page.get_by_role("button", name="1 y").click()
    assert_bars_are_seen(page, least)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    assert_bars_are_seen(page, 1)


def test_marks_on_the_page_are_those_of_the_legend(installation: Installation, open_page: OpenPage) -> None:
    code = WRITE_DAYS.format(days=MONTHLY, email=installation.email, number="TL-M", photos="5, 2")
    page = opened(open_page(), installation, "/patients/" + installation.run(code).split()[-1] + "/")
    drawn = page.evaluate(
        """() => {
            const outer = path => {
                const style = getComputedStyle(path);
                return path.getBBox().width + (style.stroke === "none" ? 0 : parseFloat(style.strokeWidth) || 0);
            };
            const g = document.querySelector("#timeline .js-plotly-plot");
            const groups = Array.from(g.querySelectorAll(".subplot.xy .scatterlayer .trace"));
            const sizes = name => {
                const group = groups.find(each => each.__data__[0].trace.name === name);
                return Array.from(group.querySelectorAll(".points path")).map(outer);
            };
            const legend = name => outer(document.querySelector(`[data-mark=${name}] circle`));
            return Object.fromEntries(["visits", "sparse", "photos"].map(name => [name, [sizes(name), legend(name)]]));
        }"""
    )
    (means, mean), (hollow, one_or_two), (photos, one) = drawn["visits"], drawn["sparse"], drawn["photos"]
    assert all(10 <= size <= 14 for size in [*means, mean])
    assert {round(size) for size in [*hollow, one_or_two]} == {9}
    assert {round(size) for size in [*photos, one]} == {4}
    on_its_line = "g.data.find(t => t.name === 'photos').x.filter(x => x.endsWith('T00:00:00.000Z')).length"
    assert attribute(page, on_its_line) == 0


def test_theme_change_redraws_in_its_colours(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(color_scheme="light"), installation, record)
    line = "g._fullData.find(t => t.name === 'mean').line.color"
    assert attribute(page, line) == "rgb(11, 107, 128)"
    page.emulate_media(color_scheme="dark")
    eventually(lambda: attribute(page, line) == "rgb(91, 200, 220)", "it is drawn for the dark")


def test_phone_begins_with_one_year_and_a_tap_asks_before_it_opens(
    installation: Installation, open_page: OpenPage, record: str
) -> None:
    page = opened(open_page(viewport=PHONE, has_touch=True, is_mobile=True), installation, record)
    expect(page.get_by_role("button", name="1 y")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert attribute(page, "g._fullLayout.dragmode") is False  # a finger scrolls the page
    plot = page.locator("[data-plot]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    x = attribute(page, "g._fullLayout.xaxis.d2p('2026-08-18') + g._fullLayout.xaxis._offset")
    assert box is not None
    assert isinstance(x, int | float)
    page.touchscreen.tap(box["x"] + x, box["y"] + 100)
    expect(page.locator("[data-tip]")).to_contain_text("18 Aug 2026")
    page.wait_for_timeout(300)
    assert page.url.endswith(record)
    page.touchscreen.tap(box["x"] + x, box["y"] + 100)
    page.wait_for_url("**/visits/**")


def test_without_javascript_the_numbers_are_there(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, installation, path=record)
    expect(page.get_by_text("The figure needs JavaScript.")).to_be_visible()
    expect(page.locator("[data-tools]")).to_be_hidden()
    page.get_by_text("All numbers, 20 visits").click()
    expect(page.locator(".numbers tbody tr")).to_have_count(20)
    expect(page.locator(".numbers tbody tr").first).to_contain_text(re.compile("18 Aug 2026.*6.*1.3.0", re.DOTALL))


@pytest.mark.slow("writes and draws a record of 8,000 photos")
def test_four_hundred_visits_hide_their_dots_until_one_zooms_in(installation: Installation, open_page: OpenPage) -> None:
    page = opened(open_page(), installation, written(installation, "TL-400", 400, 20, 4))
    photos = page.locator("[data-show=photos]")
    open_menu(page)
    expect(photos).to_be_disabled()
    page.get_by_label("From", exact=True).fill("2025-03-01")
    page.get_by_label("To", exact=True).fill("2025-05-01")
    page.get_by_label("To", exact=True).press("Tab")
    expect(photos).to_be_enabled()
    assert attribute(page, "g.data.find(t => t.name === 'photos').x.length") == 320


@pytest.mark.slow("checks both themes")
def test_accessible_with_the_card_open(installation: Installation, open_page: OpenPage, record: str) -> None:
    page = opened(open_page(), installation, record)
    page.get_by_text("All numbers, 20 visits").click()
    page.locator("[data-plot]").focus()
    page.keyboard.press("End")
    assert violations_in_both_themes(page) == []


TODAY = """
from patients.models import Event, Patient, User
patient = Patient.objects.get(pk="{pk}")
last = patient.visits.order_by("date").last()
Event.objects.create(
    patient=patient, kind="note", label="{label}", starts_on=last.date, created_by=User.objects.get(email="{email}")
)
"""


def test_label_of_the_last_visit_s_day_stays_inside_the_figure(installation: Installation, open_page: OpenPage) -> None:
    label = "Sertraline raised to 100 mg from this day on"
    address = written(installation, "TL-22", 20, 3, 28)
    installation.run(TODAY.format(pk=address.split("/")[2], label=label, email=installation.email))
    page = opened(open_page(), installation, address)
    edges = page.evaluate(
        """label => {
            const texts = Array.from(document.querySelectorAll("#timeline .annotation-text"));
            const text = texts.find(each => each.textContent === label);
            const [inner, outer] = [text, document.querySelector("#timeline .main-svg")].map(each => each.getBoundingClientRect());
            return [inner.left - outer.left, outer.right - inner.right];
        }""",
        label,
    )
    assert min(edges) >= 0
