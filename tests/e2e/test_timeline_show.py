"""What the timeline shows: own labels by name, the same for every patient, and events in view in a low window."""

import re
from itertools import combinations

from playwright.sync_api import expect

from tests.e2e.chromium import violations_in_both_themes
from tests.e2e.conftest import OpenPage
from tests.e2e.test_timeline import TALL, attribute, open_menu, opened, written
from tests.engines.installation import Installation

DESK = {"width": 1440, "height": 900}
LABEL = """
from patients.models import OwnLabel, Photo, User
clinician = User.objects.get(email="{email}")
photos = Photo.objects.filter(visit__patient="{pk}").order_by("visit__date", "id")[:3]
for photo, label in zip(photos, ("sad", "sad", "happy")):
    OwnLabel.objects.get_or_create(photo=photo, clinician=clinician, defaults=dict(label=label))
"""


def test_own_labels_are_named_drawn_and_kept_for_every_patient(installation: Installation, open_page: OpenPage) -> None:
    record, other = (written(installation, f"TS-{visits}", visits, 3, 28) for visits in (4, 3))
    for address in (record, other):
        installation.run(LABEL.format(email=installation.email, pk=address.split("/")[2]))
    page = opened(open_page(viewport=TALL), installation, record)
    drawn = "g.data.filter(t => t.name.startsWith('own:')).map(t => [t.name, t.x.length])"
    assert attribute(page, drawn) == []
    open_menu(page)
    expect(page.locator(".show__names")).to_have_text(re.compile(r"sad 2\s*happy 1"))
    with page.expect_response("**/settings/timeline/"):
        page.get_by_label("Own labels").check()
    assert sorted(attribute(page, drawn)) == [["own:happy", 1], ["own:sad", 2]]  # type: ignore[call-overload]  # JSON
    assert violations_in_both_themes(page) == []
    page.keyboard.press("Escape")
    with page.expect_response("**/settings/timeline/"):
        page.get_by_role("button", name="Separate").click()
    page.goto(other)
    expect(page.locator("#timeline .main-svg").first).to_be_visible()
    expect(page.get_by_role("button", name="Separate")).to_have_attribute("aria-pressed", "true")
    assert sorted(attribute(page, drawn)) == [["own:happy", 1], ["own:sad", 2]]  # type: ignore[call-overload]  # JSON
    page.locator("[data-plot]").focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-tip]")).to_contain_text("Your labels: 2 sad, 1 happy")


def test_events_are_seen_without_scrolling(installation: Installation, open_page: OpenPage) -> None:
    page = opened(open_page(viewport=DESK), installation, written(installation, "TS-20", 20, 6, 28))
    end = "g._fullLayout.yaxis4._offset + g._fullLayout.yaxis4._length + g.getBoundingClientRect().top"
    for view in ("Stacked", "Separate"):
        page.get_by_role("button", name=view).click()
        assert attribute(page, f"scrollY + {end} - innerHeight") <= 0, view  # type: ignore[operator]  # a number
        texts = page.locator("#timeline .annotation-text, #timeline .ytick text").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"
        )
        assert not any(overlap(one, other) for one, other in combinations(texts, 2)), view


def overlap(one: list[float], other: list[float]) -> bool:
    """Whether two boxes cover each other by more than a pixel: left, top, right, bottom."""
    width, height = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    return width > 1 and height > 2
