"""Forms that save automatically, in a real browser: "Saved" appears when it is true, and only then."""

from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in
from tests.e2e.test_walk import INES, dog, files
from tests.engines.installation import Installation, eventually


def test_what_could_not_be_saved_is_said(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    report, note = page.locator("#self-report-said"), page.locator("#note-said")
    page.get_by_label("PHQ-9 total").fill("12")
    expect(report).to_have_text("Not saved yet")
    page.keyboard.press("Tab")
    expect(report).to_contain_text("Saved")
    page.get_by_label("PHQ-9 total").fill("30")
    page.keyboard.press("Tab")
    expect(report).to_have_text("Not saved.")
    expect(page.get_by_label("PHQ-9 total")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#phq9-hint")).to_have_text("PHQ-9 must be 0 to 27")
    page.get_by_label("PHQ-9 total").fill("20")
    expect(page.locator("#phq9-hint")).to_have_text("0 to 27")
    page.get_by_label("PHQ-9 total").fill("30")
    page.keyboard.press("Tab")
    expect(report).to_have_class("push tiny said--bad")
    page.context.set_offline(True)
    page.get_by_label("Note", exact=True).fill("Slept badly.")
    expect(note).to_have_text("Not saved. Try again.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Save note").click()
    expect(note).to_contain_text("Saved")
    expect(note).to_have_class("push tiny muted")


def test_enter_saves_and_clears_nothing(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    value, report = page.locator("#mood-value"), page.locator("#self-report-said")
    page.get_by_role("radio", name="3", exact=True).check()
    expect(value).to_contain_text("3")
    page.get_by_label("PHQ-9 total").fill("17")
    with page.expect_response(
        lambda answer: answer.url.endswith("/self-report/") and "phq9=17" in (answer.request.post_data or "")
    ):
        page.get_by_label("PHQ-9 total").press("Enter")
    expect(report).to_contain_text("Saved")
    expect(value).to_contain_text("3")
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Enter")
    expect(value).to_have_text("Not recorded")
    expect(page.get_by_role("radio", name="0", exact=True)).to_be_focused()


def test_a_card_that_is_gone_says_so_and_asks_no_more(installation: Installation, browser: Browser) -> None:
    page = browser.new_context(base_url=installation.address).new_page()  # not watched: the test provokes a 404
    open_new_visit(page, installation)
    page.locator("#files").set_input_files(files(172))
    page.evaluate(
        """() => {
            const card = document.createElement("li");
            card.id = "gone";
            card.setAttribute("hx-get", "/photos/00000000-0000-4000-8000-000000000000/card/");
            card.setAttribute("hx-trigger", "again consume");
            document.getElementById("photos").append(card);
            htmx.process(card);
        }"""
    )
    expect(page.locator("#gone")).to_have_text("This no longer exists, or you may no longer see it.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "00000000-0000" in request.url else None)
    page.wait_for_timeout(600)
    assert asked == []
    expect(page.locator("[data-unanswered]")).to_have_count(0)
    page.context.close()


def test_a_note_is_saved_when_the_page_is_left_at_once(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    visit = page.url
    page.get_by_label("Note", exact=True).fill("Slept better.")
    page.get_by_role("link", name="My patients").first.click()
    page.wait_for_url("**/patients/")

    def is_kept() -> bool:
        page.goto(visit)
        return page.get_by_label("Note", exact=True).input_value() == "Slept better."

    eventually(is_kept, "the note is kept")


def test_a_page_that_renews_itself_waits_for_who_writes(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.locator("#files").set_input_files(files(171))
    expect(page.locator("#photos .rowlink")).to_have_count(1, timeout=PATIENCE_MS)
    page.locator("#photos .rowlink").click()
    page.wait_for_load_state("load")  # what follows needs the scripts
    # As if the photo were still being read: the server answers that it is not.
    page.evaluate(
        """() => {
            const said = document.createElement("p");
            said.innerHTML = "Being analysed <button type=button data-reload hidden>Analysed. Show it</button>";
            said.setAttribute("hx-get", location.pathname + "reading/");
            said.setAttribute("hx-trigger", "again consume");
            document.getElementById("note-card").after(said);
            document.getElementById("id_note").focus();
            htmx.process(said);
        }"""
    )
    expect(page.get_by_role("button", name="Analysed. Show it")).to_be_visible()
    page.get_by_label("Note on this photo").fill("Looks away.")
    page.get_by_role("button", name="Analysed. Show it").click()
    expect(page.get_by_role("button", name="Analysed. Show it")).to_have_count(0)
    expect(page.get_by_text("Being analysed")).to_have_count(0)


@pytest.mark.slow("a photo is read")
def test_focus_stays_where_a_card_was_replaced(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.locator("#files").set_input_files([dog(quality=80)])
    page.get_by_text("Show photos").click(timeout=PATIENCE_MS)
    expect(page.locator(".htmx-added, .htmx-settling")).to_have_count(0)  # until then the card has no listeners
    page.get_by_role("button", name="Dismiss", exact=True).press("Enter")
    expect(page.locator("#unusable-photos > .photo.is-dismissed")).to_be_focused()


def test_a_second_click_adds_no_second_visit(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    page.get_by_role("link", name="New visit").first.click()
    page.wait_for_load_state("load")  # what follows needs the scripts
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Create visit").dblclick()
    expect(page.get_by_role("heading", name="Visit,")).to_be_visible()
    assert [url for url in posts if url.endswith("/visits/new/")] == posts[:1]


def test_an_unexpected_answer_is_reported_as_one(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.route("**/visits/*/photos/", lambda route: route.fulfill(status=413, body="<html>", content_type="text/html"))
    page.locator("#files").set_input_files(files(172))
    expect(page.get_by_text("The server could not add this photo (413).")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()


def test_a_photo_that_could_not_be_stored_waits_to_be_sent_again(installation: Installation, browser: Browser) -> None:
    outside = browser.new_context(base_url=installation.address)  # not watched: the test provokes a fault
    page = outside.new_page()
    open_new_visit(page, installation)
    full = {"code": "not_stored", "message": "The photo could not be stored.", "retry": True}
    page.route("**/visits/*/photos/", lambda route: route.fulfill(status=503, json=full))
    page.locator("#files").set_input_files(files(173))
    expect(page.get_by_text("The photo could not be stored. This page keeps it while it is open")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#photos .rowlink")).to_have_count(1, timeout=PATIENCE_MS)
    outside.close()


BUSY = {"code": "busy", "message": "Too many photos are arriving at once.", "retry": True}


@pytest.mark.slow("the page pauses before it sends again")
def test_photos_wait_while_the_server_is_busy_and_are_sent_by_themselves(installation: Installation, browser: Browser) -> None:
    outside = browser.new_context(base_url=installation.address)  # not watched: the test provokes refusals
    page = outside.new_page()
    open_new_visit(page, installation)
    busy: list[Route] = []

    def refuse(route: Route) -> None:
        if len(busy) == 4:  # three that were sent together, and the one that tries again
            return route.continue_()
        busy.append(route)
        return route.fulfill(status=503, json=BUSY, headers={"Retry-After": "1"})

    page.route("**/visits/*/photos/", refuse)
    page.locator("#files").set_input_files(files(174, 175, 176))
    expect(page.get_by_text("This one waits and is sent again by itself.").first).to_be_visible()
    expect(page.get_by_text("Not added")).to_have_count(0)
    expect(page.locator("#photos .rowlink")).to_have_count(3, timeout=PATIENCE_MS)
    assert len(busy) == 4
    outside.close()


def test_a_note_does_not_overwrite_words_this_window_never_showed(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    newer = page.context.new_page()
    newer.goto(page.url)
    said = newer.locator("#note-said")
    for note in ("Slept badly.", "Slept badly. Ate well."):  # the second save follows the first
        with newer.expect_response("**/note/"):
            newer.get_by_label("Note", exact=True).fill(note)
        expect(said).to_contain_text("Saved ")
    page.get_by_label("Note", exact=True).fill("Slept better.")
    expect(page.locator("#note-said")).to_contain_text("Someone else changed this meanwhile.")
    expect(page.get_by_label("Note", exact=True)).to_have_value("Slept better.")
    newer.reload()
    expect(newer.get_by_label("Note", exact=True)).to_have_value("Slept badly. Ate well.")


def saves_draft(page: Page) -> AbstractContextManager[object]:
    """Wait until the enclosed steps have made the page store a draft."""
    return page.expect_response(lambda answer: answer.url.endswith("/drafts/") and answer.request.method == "POST")


@pytest.mark.slow("waits until drafts are kept")
def test_a_draft_stands_beside_a_note_that_was_changed_meanwhile(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    visit, note, earlier = page.url, page.locator("#id_note"), page.get_by_label("What you wrote here last time")
    newer = page.context.new_page()

    def change_elsewhere(words: str) -> None:
        newer.goto(visit)
        newer.get_by_label("Note", exact=True).fill(words)
        expect(newer.locator("#note-said")).to_contain_text("Saved ")

    page.goto(f"{visit}edit/")
    change_elsewhere("Slept badly.")
    note.fill("Slept better.")
    with saves_draft(page):
        page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Someone else changed this meanwhile.")).to_be_visible()
    expect(note).to_have_value("Slept better.")
    for _ in range(2):  # a restored draft is offered again
        page.goto(f"{visit}edit/")
        expect(note).to_have_value("Slept badly.")
        expect(earlier).to_have_value("Slept better.")
        expect(page.get_by_text("is here again")).to_be_hidden()
    change_elsewhere("Slept badly. Ate well.")
    page.goto(f"{visit}edit/")
    expect(note).to_have_value("Slept badly. Ate well.")
    expect(earlier).to_have_value("Slept better.")  # and not the note that was written elsewhere
    with saves_draft(page):
        note.fill("Slept badly. Ate well. Slept better.")
    page.reload()
    expect(note).to_have_value("Slept badly. Ate well. Slept better.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Visit saved.")).to_be_visible()
    expect(note).to_have_value("Slept badly. Ate well. Slept better.")


def lose_the_answer(route: Route) -> None:
    """Let the server handle the request, but lose its response."""
    route.fetch()
    route.abort("internetdisconnected")


def test_an_answer_that_may_have_been_stored_is_sent_again(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    report, total = page.locator("#self-report-said"), page.get_by_label("PHQ-9 total")
    total.fill("7")
    page.keyboard.press("Tab")
    expect(report).to_contain_text("Saved ")
    page.get_by_label("GAD-7 total").fill("5")
    page.keyboard.press("Tab")
    expect(page.locator("[name=initial-gad7]")).to_have_value("5")
    page.route("**/self-report/", lose_the_answer)
    total.fill("17")
    page.keyboard.press("Tab")
    expect(report).to_have_text("Not saved. Try again.")
    page.unroute_all()
    expect(page.locator("[name=initial-gad7]")).to_have_value("5")  # this field was not changed, and still says so
    total.fill("7")
    page.keyboard.press("Tab")
    expect(report).to_contain_text("Saved ")
    expect(page.locator("[name=initial-phq9]")).to_have_value("7")
    page.reload()
    expect(total).to_have_value("7")


@pytest.mark.slow("the page waits longer before each new attempt")
def test_one_s_own_note_outlasts_a_network_that_drops(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    said, note = page.locator("#note-said"), page.get_by_label("Note", exact=True)

    def type_in_vain(words: str) -> None:
        note.fill(words)
        expect(said).to_have_text("Not saved yet")
        expect(said).to_have_text("Not saved. Try again.")

    page.route("**/note/", lose_the_answer)
    type_in_vain("Slept")
    page.unroute_all()
    page.route("**/note/", lambda route: route.abort("internetdisconnected"))
    for more in range(12):  # longer than the limit of stored words
        type_in_vain(f"Slept badly{'.' * more}")
    page.unroute_all()
    note.fill("Slept badly. Ate well.")
    expect(said).to_contain_text("Saved ")
    expect(page.locator("#note-card [name=sent-note]")).to_have_count(0)
    page.reload()
    expect(note).to_have_value("Slept badly. Ate well.")
