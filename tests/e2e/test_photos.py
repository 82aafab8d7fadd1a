"""Photos in a real browser: uploads, duplicates, a phone, labels and moves; by mouse, by keyboard and without JavaScript."""

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, ViewportSize, expect

from tests.e2e.chromium import PATIENCE_MS, violations_in_both_themes
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in
from tests.e2e.test_walk import INES, add_visit, files, tab_to
from tests.engines.installation import Installation, eventually

JONAS = "Jonas Brandt, 2 Nov 1971, DEMO-2"  # the demo's other patient
PHONE = ViewportSize(width=390, height=844)
READ = re.compile("of 10 raters|Too close to call")
HAND_IN = """async ({ name, bytes, how }) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, { type: "image/jpeg" }));
    const init = { dataTransfer: transfer, clipboardData: transfer, bubbles: true, cancelable: true };
    const say = what => document.body.dispatchEvent(how === "paste" ? new ClipboardEvent(what, init) : new DragEvent(what, init));
    if (how === "drop") say("dragover");
    const words = document.querySelector("[data-drop-title]").textContent;
    say(how);
    return words;
}"""


def handed_in(page: Page, how: str, file: FilePayload) -> object:
    """Give a file to the page by "drop" or "paste". Return what the drop zone said just before."""
    return page.evaluate(HAND_IN, {"name": file["name"], "bytes": base64.b64encode(file["buffer"]).decode(), "how": how})


READ_PHOTO = """
from patients.models import Photo
of_ada = Photo.objects.filter(visit__patient__clinicians__email="ada@demo.example")
photo = of_ada.exclude(image="").filter(predictions__state="done").first()
print(f"/photos/{photo.pk}/")
"""


def test_photos_are_dropped_anywhere_and_pasted(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    dropped, pasted = files(31, 32)
    assert handed_in(page, "drop", dropped) == "Drop to add 1 photo to this visit"
    handed_in(page, "paste", pasted)
    expect(page.locator("#photos > .photo").filter(has_text=READ)).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.locator("#photos-total")).to_have_text("2")
    expect(page.locator("#photos-said")).to_have_text("2 analysed")
    expect(page.locator("#no-photos")).to_be_hidden()


def test_three_are_in_flight_and_the_others_wait(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    held: list[Route] = []
    is_held = [True]
    page.route("**/visits/*/photos/", lambda route: held.append(route) if is_held[0] else route.continue_())
    page.locator("#files").set_input_files(files(41, 42, 43, 44, 45))
    expect(page.get_by_text("Waiting to be sent")).to_have_count(2)
    eventually(lambda: page.evaluate("1") and len(held) == 3, "three are sent")
    is_held[0] = False
    for route in held:
        route.continue_()
    expect(page.locator("#photos-total")).to_have_text("5", timeout=PATIENCE_MS)


def test_a_twin_is_kept_or_skipped_and_a_huge_file_is_not_sent(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    (photo,) = files(51)
    page.locator("#files").set_input_files([photo])
    expect(page.locator("#photos > .photo[id]")).to_have_count(1)
    page.locator("#files").set_input_files([photo])
    expect(page.get_by_text("Already here")).to_be_visible()
    add_visit(page, INES)
    page.locator("#files").set_input_files([photo])
    expect(page.get_by_text("Already in another visit")).to_be_visible()
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("#photos > .photo")).to_have_count(0)
    page.locator("#files").set_input_files([photo])
    page.get_by_role("button", name="Keep it here").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1)
    add_visit(page, JONAS.split(",")[0])
    page.locator("#files").set_input_files([photo])
    expect(page.get_by_text("The right patient?", exact=True)).to_be_visible()
    expect(page.get_by_text("This photo is also in the visit of Ines")).to_be_visible()
    page.get_by_role("button", name="Keep it here").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1)
    page.locator("#drop").evaluate("drop => drop.dataset.maxBytes = 1000")
    page.locator("#files").set_input_files(files(52))
    expect(page.locator("#upload-asked")).to_contain_text("The file is larger than")
    expect(page.get_by_role("button", name="Send the")).to_be_hidden()


FOLDER = """async files => {
    const made = files.map(([name, bytes]) => new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name));
    const file = made => ({ name: made.name, isDirectory: false, file: done => done(made) });
    const folder = (name, entries) => {
        const parts = [entries.slice(0, 1), entries.slice(1), []];
        return { name, isDirectory: true, createReader: () => ({ readEntries: done => done(parts.shift()) }) };
    };
    const entry = folder("session", [folder("inner", [file(made[1])]), file(made[0]), file(new File(["x"], ".DS_Store"))]);
    const event = new Event("drop", { bubbles: true, cancelable: true });
    event.dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => entry }] };
    document.body.dispatchEvent(event);
}"""


def test_a_dropped_folder_gives_its_photos(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.evaluate(FOLDER, [[file["name"], base64.b64encode(file["buffer"]).decode()] for file in files(34, 35)])
    expect(page.locator("#photos > .photo[id]")).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.locator("#photos > .photo")).to_have_count(2)


def test_a_file_that_is_gone_is_to_be_chosen_again(
    installation: Installation, open_page: OpenPage, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    open_new_visit(page, installation)
    outside = browser.new_context(
        base_url=installation.address, storage_state=page.context.storage_state()
    )  # not watched: as above
    gone = outside.new_page()
    gone.goto(page.url)
    photo = tmp_path / "card.jpg"
    photo.write_bytes(files(36)[0]["buffer"])
    held: list[Route] = []
    gone.route("**/visits/*/photos/", lambda route: held.append(route))
    gone.locator("#files").set_input_files(photo)
    eventually(lambda: gone.evaluate("1") and bool(held), "the photo is on its way")
    photo.unlink()  # the card is pulled
    held[0].abort()
    expect(gone.get_by_text("This file can no longer be read. Choose it again.")).to_be_visible()
    expect(gone.get_by_role("button", name="Retry")).to_be_hidden()
    gone.locator("#files").set_input_files(files(37))
    eventually(lambda: gone.evaluate("1") and len(held) == 2, "the next photo is on its way")
    held[1].abort("internetdisconnected")
    expect(gone.get_by_text("The connection was lost.")).to_be_visible()
    gone.unroute_all()
    cookies = outside.cookies()
    outside.clear_cookies(name=re.compile("session"))  # signed out elsewhere
    gone.get_by_role("button", name="Retry").click()
    expect(gone.get_by_text("You are signed out. Sign in and try again.")).to_be_visible()
    outside.add_cookies(
        [{"name": each["name"], "value": each["value"], "url": installation.address} for each in cookies]  # signed in again
    )
    gone.get_by_role("button", name="Retry").click()
    expect(gone.locator("#photos > .photo[id]")).to_have_count(1, timeout=PATIENCE_MS)
    outside.close()


def test_a_phone_says_that_a_file_is_gone(
    installation: Installation, open_page: OpenPage, browser: Browser, tmp_path: Path
) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.get_by_role("button", name="Phone", exact=True).click()
    outside = browser.new_context(base_url=installation.address, viewport=PHONE)
    phone = outside.new_page()
    phone.goto(page.locator("#phone a").inner_text())
    phone.get_by_role("button", name="Start").click()
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.wait_for_load_state("load")  # what follows needs the scripts
    photo = tmp_path / "cloud.jpg"
    photo.write_bytes(files(38)[0]["buffer"])
    held: list[Route] = []
    phone.route(phone.url, lambda route: held.append(route))
    phone.locator("#files").set_input_files(photo)
    eventually(lambda: phone.evaluate("1") and bool(held), "the photo is on its way")
    photo.unlink()
    held[0].abort()
    expect(phone.get_by_text("This file can no longer be read. Choose it again.")).to_be_visible()
    expect(phone.get_by_role("button", name="Retry")).to_be_hidden()
    phone.unroute_all()
    phone.get_by_role("button", name="Done").click()
    expect(phone.get_by_role("heading", name="Done")).to_be_visible()
    outside.close()


@pytest.mark.slow("two browsers, and photos are read")
def test_a_phone_adds_photos_that_appear_at_once(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.get_by_role("button", name="Phone", exact=True).click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    address = page.locator("#phone a").inner_text()
    page.get_by_role("button", name="Disconnect").focus()
    for _ in range(2):  # the first may have been under way
        page.wait_for_event("response", lambda answer: "/phone-pairings/" in answer.url)
    page.wait_for_timeout(100)
    expect(page.get_by_role("button", name="Disconnect")).to_be_focused()
    phone = open_page(viewport=PHONE)
    phone.goto(address)
    phone.get_by_role("button", name="Start").click()
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.wait_for_load_state("load")  # what follows needs the scripts
    assert INES.split()[0] not in phone.content()
    assert violations_in_both_themes(phone) == []
    phone.locator("#files").set_input_files(files(61, 62))
    expect(phone.get_by_text("2 photos received.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#photos > .photo[id]")).to_have_count(2, timeout=PATIENCE_MS)
    expect(page.get_by_role("img", name="QR code")).to_be_hidden()
    expect(page.locator("#photos-total")).to_have_text("2")
    expect(page.locator("#move-photos")).to_be_visible()  # the visit had no photos when it was opened
    expect(page.locator("#drop-hint")).to_contain_text("Room for 58 more.")
    held: list[Route] = []
    phone.route("**/phone/", lambda route: held.append(route))
    phone.locator("#files").set_input_files(files(65))
    eventually(lambda: phone.evaluate("1") and bool(held), "the photo is on its way")
    phone.get_by_role("button", name="Done").click()
    expect(phone.get_by_text("Photos are still being sent.")).to_be_visible()
    held[0].continue_()
    expect(phone.get_by_text("3 photos received.")).to_be_visible(timeout=PATIENCE_MS)
    phone.unroute_all()
    phone.get_by_role("button", name="Done").click()
    expect(phone.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_text("The phone has finished.")).to_be_visible()
    page.reload()
    expect(page.locator("#photos > .photo[id]")).to_have_count(3)


def test_sign_out_works_after_waiting_for_uploads(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    held: list[Route] = []
    page.route("**/visits/*/photos/", lambda route: held.append(route))
    page.locator("#files").set_input_files(files(64))
    eventually(lambda: page.evaluate("1") and bool(held), "the photo is on its way")
    page.once("dialog", lambda dialog: dialog.dismiss())  # Leave the page? No.
    leave = page.locator("form[action='/accounts/logout/'] button").first
    leave.evaluate("button => button.click()")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1, timeout=PATIENCE_MS)
    leave.evaluate("button => button.click()")
    page.wait_for_url("**/accounts/login/**")


@pytest.mark.slow("the page pauses before it sends again")
def test_a_phone_says_that_the_server_is_at_fault_and_sends_again(
    installation: Installation, open_page: OpenPage, browser: Browser
) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.get_by_role("button", name="Phone", exact=True).click()
    outside = browser.new_context(base_url=installation.address, viewport=PHONE)  # not watched: the test provokes a fault
    phone = outside.new_page()
    phone.goto(page.locator("#phone a").inner_text())
    phone.get_by_role("button", name="Start").click()
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.wait_for_load_state("load")  # what follows needs the scripts
    busy = {"code": "busy", "message": "Too many photos are arriving at once.", "retry": True}
    phone.route(phone.url, lambda route: route.fulfill(status=503, json=busy, headers={"Retry-After": "1"}), times=1)
    phone.locator("#files").set_input_files(files(274))
    expect(phone.get_by_text("This one waits and is sent again by itself.")).to_be_visible()
    expect(phone.get_by_text("1 photo received.")).to_be_visible(timeout=PATIENCE_MS)
    phone.route(phone.url, lambda route: route.fulfill(status=502, body="<html>", content_type="text/html"))
    phone.locator("#files").set_input_files(files(63))
    expect(phone.get_by_text("The server could not add this photo (502).")).to_be_visible()
    phone.unroute_all()
    full = {"code": "not_stored", "message": "The photo could not be stored.", "retry": True}
    phone.route(phone.url, lambda route: route.fulfill(status=503, json=full))
    phone.get_by_role("button", name="Retry").click()
    expect(phone.get_by_text("The photo could not be stored. This page keeps it while it is open")).to_be_visible()
    phone.unroute_all()
    phone.get_by_role("button", name="Done").click()
    expect(phone.get_by_text("Some photos were not added and may exist only on this page.")).to_be_visible()
    phone.get_by_role("button", name="Retry").click()
    expect(phone.get_by_text("2 photos received.")).to_be_visible(timeout=PATIENCE_MS)
    phone.get_by_role("button", name="Done").click()
    expect(phone.get_by_role("heading", name="Done")).to_be_visible()
    outside.close()


def test_without_javascript_a_phone_adds_photos_too(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    open_new_visit(page, installation)
    page.get_by_role("button", name="Phone", exact=True).click()
    address = page.locator("#phone a").inner_text()
    phone = open_page(java_script_enabled=False, viewport=PHONE)
    phone.goto(address)
    phone.get_by_role("button", name="Start").click()
    phone.locator("#files").set_input_files(files(71, 72))
    phone.get_by_role("button", name="Add photos").click()
    expect(phone.get_by_text("2 photos added.")).to_be_visible()
    page.get_by_role("link", name="Show received photos").click()
    expect(page.locator("#photos > .photo")).to_have_count(2)
    page.get_by_role("button", name="Disconnect").click()
    phone.reload()
    expect(phone.get_by_text("This phone can add no more photos")).to_be_visible()


@pytest.mark.slow("photos are read")
@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])
def test_a_label_a_note_and_a_move(installation: Installation, open_page: OpenPage, with_script: bool) -> None:
    page = open_page(java_script_enabled=with_script)
    open_new_visit(page, installation)
    visit = page.url.rstrip("/").rpartition("/")[2]
    page.locator("#files").set_input_files(files(81 if with_script else 82))
    if not with_script:
        page.get_by_role("button", name="Add photos").click()
    expect(page.locator("#photos > .photo[id]")).to_have_count(1)
    eventually(lambda: installation.all_final(visit), "the photo is read")
    page.reload()
    page.locator("#photos .rowlink").click()
    page.get_by_role("radio", name="sad").check()
    page.get_by_role("button", name="Save label").click()
    expect(page.locator("#own-label")).to_contain_text("you and the model agree on")
    page.wait_for_load_state("load")  # what follows needs the scripts
    page.get_by_label("Note on this photo").fill("Tired eyes.")
    if with_script:
        expect(page.locator("#note-said")).to_contain_text("Saved")
    else:
        page.get_by_role("button", name="Save note").click()
    page.get_by_label("More", exact=True).last.click()
    page.get_by_role("link", name="Move to another visit").click()
    page.wait_for_load_state("load")  # what follows needs the scripts
    if with_script:
        page.evaluate("document.getElementById('id_visit').dataset.visits = 'of Ines'")
    page.get_by_label("Whose visit do they belong to?").select_option(label=JONAS)
    if not with_script:
        with page.expect_navigation():
            page.get_by_role("button", name="Show visits").click()
    expect(page.locator("#id_visit:not([data-visits])")).to_be_visible()  # the visits of Jonas have loaded
    page.get_by_label("Visit", exact=True).select_option(index=1)
    page.get_by_role("button", name="Move photos").click()
    expect(page.get_by_text("1 photo was moved here")).to_be_visible()
    expect(page.get_by_label("Patient", exact=True)).to_contain_text("Jonas Brandt")
    expect(page.get_by_text("Your label:").first).to_be_visible()


def test_label_and_move_by_keyboard_alone(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    page.locator("#files").set_input_files(files(91))
    expect(page.locator("#photos .rowlink")).to_have_count(1, timeout=PATIENCE_MS)
    tab_to(page, "raters")
    page.keyboard.press("Enter")
    page.wait_for_url("**/photos/*/")
    tab_to(page, "label")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#own-label")).to_contain_text("you and the model agree on")
    tab_to(page, "More")
    page.keyboard.press("Enter")
    tab_to(page, "Move to another visit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Move photos")).to_be_visible()
    tab_to(page, "A new visit")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Move photos")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 photo was moved here")).to_be_visible()


def test_a_picture_that_cannot_be_shown_leaves_a_sentence(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.goto(installation.run(READ_PHOTO).strip())
    sentence = page.get_by_text("The picture is missing or does not belong here.")
    expect(sentence).to_be_hidden()
    page.route("**/image/", lambda route: route.fulfill(status=410))
    page.reload()
    expect(sentence).to_be_visible()
    expect(page.locator(".big svg[viewBox]")).to_be_hidden()
