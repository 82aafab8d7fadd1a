"""Outdated pages: after changes in another window, in another session, or while the computer slept."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from demo.management.commands.load_demo import ADMINISTRATOR
from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in
from tests.e2e.test_photos import READ, handed_in
from tests.e2e.test_walk import INES, files
from tests.engines.installation import Installation, eventually

ENDED = "Your session has ended."
SEEN_ANEW = "document.dispatchEvent(new Event('visibilitychange'))"


def open_ines(page: Page) -> str:
    """Open the patient and return the address."""
    page.goto("/patients/")
    page.get_by_role("link", name=INES).last.click()
    expect(page.get_by_role("heading", name=INES)).to_be_visible()
    page.wait_for_load_state("load")
    return page.url


def sign_out(page: Page) -> None:
    page.goto("/settings/")
    page.get_by_role("button", name="Sign out").last.click()
    page.wait_for_url("**/accounts/login/**")


def test_sign_out_in_one_window_blanks_the_others_at_once(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    open_ines(page)
    sign_out(page.context.new_page())
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    assert INES not in page.content()


def test_page_of_the_last_user_disappears_when_another_signs_in(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    open_ines(page)
    page.route("**/session/", lambda route: route.abort("internetdisconnected"))  # while the other window signs out
    other = page.context.new_page()
    sign_out(other)
    sign_in(other, installation, email=ADMINISTRATOR)
    page.unroute_all()
    page.evaluate(SEEN_ANEW)
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    assert INES not in page.content()


def test_old_page_saves_after_the_same_person_signed_in_anew(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.route("**/session/", lambda route: route.abort("internetdisconnected"))  # this window is not notified
    other = page.context.new_page()
    sign_out(other)
    sign_in(other, installation)
    page.unroute_all()
    with page.expect_response("**/session/"):
        page.evaluate(SEEN_ANEW)
    page.get_by_label("Note", exact=True).fill("Slept better.")
    expect(page.locator("#note-said")).to_contain_text("Saved ")


def test_tab_that_slept_goes_on_when_another_kept_the_session(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    address = open_ines(page)

    def slept(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'data-seconds-left="\d+"', 'data-seconds-left="1"', answer.text()))

    page.route(address, slept)
    with page.expect_response("**/session/"):
        page.goto(address)
    expect(page.get_by_role("heading", name=INES)).to_be_visible()
    expect(page.get_by_text(ENDED)).to_have_count(0)


def test_words_that_could_not_be_kept_are_not_said_to_be(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.goto(open_ines(page) + "events/new/")
    page.route("**/drafts/", lambda route: route.abort("internetdisconnected"))
    with page.expect_request("**/drafts/"):
        page.get_by_label("What happened").fill("Moved")
    page.route("**/session/", lambda route: route.fulfill(json={"seconds_left": 0}))
    page.evaluate(SEEN_ANEW)
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    expect(page.get_by_text("What was not saved is kept in this window for an hour.")).to_be_visible()
    expect(page.get_by_text("is kept for a day")).to_be_hidden()
    assert "Moved" not in page.content()
    page.unroute_all()
    page.evaluate(SEEN_ANEW)
    expect(page.get_by_label("What happened")).to_have_value("Moved")


@pytest.fixture
def unwatched(installation: Installation, browser: Browser) -> Iterator[BrowserContext]:
    """Yield a context in which the console's errors fail no test: refused requests are such errors."""
    context = browser.new_context(base_url=installation.address, locale="en-US")
    yield context
    context.close()


def paste_as_the_session_ends(page: Page, number: int) -> None:
    """Paste a photo and sign out in another window before it has arrived."""
    sent: list[Route] = []
    page.route("**/visits/*/photos/", lambda route: sent.append(route))
    handed_in(page, "paste", files(number)[0])
    eventually(lambda: page.evaluate("1") and bool(sent), "the photo is on its way")
    sign_out(page.context.new_page())
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    expect(page.get_by_text("What was not saved is kept in this window for an hour.")).to_be_visible()
    sent[0].continue_()
    page.unroute_all()


def test_pasted_photo_waits_for_its_user_to_sign_in_again(installation: Installation, unwatched: BrowserContext) -> None:
    page = unwatched.new_page()
    open_new_visit(page, installation)
    paste_as_the_session_ends(page, 261)
    assert not page.locator(".photo").count()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    sign_in(opened.value, installation)
    expect(page.get_by_text("You are signed in again. Press “Retry” to add this photo.")).to_be_visible()
    expect(page.locator("#photos > .photo").first).to_be_focused()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.get_by_text(READ)).to_be_visible(timeout=PATIENCE_MS)  # the page asks on as before


def test_pasted_photo_does_not_wait_for_another_user(installation: Installation, unwatched: BrowserContext) -> None:
    page = unwatched.new_page()
    open_new_visit(page, installation)
    paste_as_the_session_ends(page, 262)
    sign_in(page.context.new_page(), installation, email=ADMINISTRATOR)
    expect(page.get_by_text("What was not saved could not be kept.")).to_be_visible()
    sign_out(page.context.new_page())
    sign_in(page.context.new_page(), installation)
    page.evaluate(SEEN_ANEW)
    expect(page.get_by_role("heading", name=ENDED)).to_be_visible()
    expect(page.get_by_role("link", name="Sign in and continue")).not_to_have_attribute("target", "_blank")


def test_photo_goes_through_after_the_pages_token_was_renewed(installation: Installation, unwatched: BrowserContext) -> None:
    page = unwatched.new_page()
    open_new_visit(page, installation)
    page.context.clear_cookies(name=re.compile("csrf"))
    with page.expect_response("**/session/"):
        handed_in(page, "paste", files(263)[0])
    expect(page.get_by_text("This page was out of date. Try again.")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1, timeout=PATIENCE_MS)


@pytest.mark.slow("waits until drafts are kept")
def test_draft_that_was_only_viewed_is_offered_again(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    address = open_ines(page) + "visits/new/"
    page.goto(address)
    with page.expect_response(lambda answer: answer.url.endswith("/drafts/") and answer.request.method == "POST"):
        page.get_by_label("Note").first.fill("Came late")
    for _ in range(2):
        page.goto("/settings/")
        page.goto(address)
        expect(page.get_by_label("Note").first).to_have_value("Came late")
    with page.expect_response(lambda answer: "forget=1" in (answer.request.post_data or "")):
        page.get_by_role("link", name="Cancel").click()
