"""From the session's photos to the comparison in three clicks, and every way to upload a photo."""

import io

import pillow_heif
from playwright.sync_api import FilePayload, Page, expect

from ml.decode.rebuild import open_photo
from tests.e2e.chromium import PATIENCE_MS
from tests.e2e.conftest import OpenPage, open_new_visit, sign_in
from tests.e2e.test_photos import READ, handed_in
from tests.e2e.test_walk import add_visit, files
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait

AMARA = "Amara Osei"  # of the demo; no other test adds a visit to her
COUNT_CLICKS = """addEventListener("click", event => {
    if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""
COPY_PICTURE = """async bytes => {
    const blob = new Blob([Uint8Array.from(bytes)], { type: "image/png" });
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""
SLOW_CAMERA = """
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async wanted => {
        const stream = await ask(wanted);
        await new Promise(go => { window.letGo = () => { window.tracks = stream.getTracks(); go(); }; });
        return stream;
    };
"""
# Takes a photo in the moment in which the button opens, and keeps its mean grey value instead of sending it.
FAST = """
    addEventListener("photos", async event => {
        event.stopImmediatePropagation();
        const picture = await createImageBitmap(event.detail[0]);
        const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
        canvas.drawImage(picture, 0, 0);
        const values = canvas.getImageData(0, 0, picture.width, picture.height).data;
        let sum = 0;
        for (let place = 0; place < values.length; place += 4) sum += values[place];
        window.brightness = sum / (values.length / 4);
    });
    addEventListener("DOMContentLoaded", () => {
        const take = document.querySelector("[data-camera-take]");
        const press = () => { if (!take.disabled) take.click(); };
        if (take) new MutationObserver(press).observe(take, { attributeFilter: ["disabled"] });
    });
"""
PHONE = {"width": 390, "height": 844}


def saved_as(number: int, file_format: str) -> bytes:
    """Return a portrait in another format."""
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    with open_photo(portrait(number).read()) as picture:
        picture.save(out, file_format)
    return out.getvalue()


def expect_read(page: Page, photos: int) -> None:
    """Wait until that many photos of the visit are read, and check that their pictures are drawn."""
    expect(page.locator("#photos > .photo").filter(has_text=READ)).to_have_count(photos, timeout=PATIENCE_MS)
    drawn = (
        "Promise.all(Array.from(document.querySelectorAll('#photos .photo__crop'), img => img.decode())).then(all => all.length)"
    )
    assert page.evaluate(drawn) == photos


def test_three_clicks_from_the_session_to_the_comparison(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script(COUNT_CLICKS)
    sign_in(page, installation)
    page.evaluate("sessionStorage.clicks = 0")
    add_visit(page, AMARA)
    for file in files(101, 102, 103):
        handed_in(page, "drop", file)
    expect_read(page, 3)
    expect(page.locator("#visit-state")).to_contain_text("3 of 3 photos")
    expect(page.locator("#last-time")).to_contain_text("The 95% interval of the difference")
    assert page.evaluate("Number(sessionStorage.clicks)") == 3
    page.locator("#last-time").get_by_role("link", name="Compare the two").click()
    expect(page.locator(".comparison__head")).to_contain_text("1 visit, 3 photos")


def test_a_photo_of_an_iphone_is_read_and_drawn(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    open_new_visit(page, installation)
    heic = FilePayload(name="IMG_2291.HEIC", mimeType="image/heic", buffer=saved_as(111, "HEIF"))
    page.locator("#files").set_input_files([heic])
    expect_read(page, 1)
    page.locator("#photos .rowlink").click()
    expect(page.get_by_text("IMG_2291.HEIC")).to_be_visible()


def test_a_picture_is_pasted_out_of_the_clipboard(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_new_visit(page, installation)
    page.evaluate(COPY_PICTURE, list(saved_as(121, "PNG")))
    page.keyboard.press("Control+V")
    expect_read(page, 1)


def test_the_camera_of_a_computer_takes_photos(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(permissions=["camera"])
    open_new_visit(page, installation)
    page.get_by_role("button", name="Camera", exact=True).click()
    dialog = page.get_by_role("dialog", name="Take photos")
    expect(dialog).to_contain_text("Face the camera")
    expect(dialog.get_by_role("button", name="Take photo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("1 taken")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    eventually(lambda: page.evaluate("document.querySelector('video').srcObject === null"), "the camera's light is out")
    expect_read(page, 1)
    page.get_by_role("button", name="Camera", exact=True).click()
    expect(dialog).to_contain_text("Face the camera")
    page.evaluate("window.tracks = document.querySelector('video').srcObject.getTracks()")
    page.route("**/session/", lambda route: route.fulfill(json={"seconds_left": 0}))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("heading", name="Your session has ended.")).to_be_visible()
    assert page.evaluate("tracks.map(track => track.readyState)") == ["ended"]


def test_a_photo_taken_at_once_is_not_black(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(permissions=["camera"])
    page.add_init_script(FAST)
    open_new_visit(page, installation)
    page.get_by_role("button", name="Camera", exact=True).click()
    expect(page.get_by_role("dialog", name="Take photos")).to_contain_text("1 taken")
    assert eventually(lambda: page.evaluate("window.brightness + 1"), "the photo is drawn") > 50


def test_a_camera_that_starts_after_one_gave_up_goes_off(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(permissions=["camera"])
    page.add_init_script(SLOW_CAMERA)
    open_new_visit(page, installation)
    page.get_by_role("button", name="Camera", exact=True).click()
    dialog = page.get_by_role("dialog", name="Take photos")
    eventually(lambda: page.evaluate("'letGo' in window"), "the camera has answered")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.evaluate("letGo()")
    eventually(lambda: page.evaluate("tracks.map(track => track.readyState)") == ["ended"], "the camera is off")
    assert page.evaluate("document.querySelector('video').srcObject === null")


def test_the_camera_button_of_a_phone_opens_its_own_camera(installation: Installation, open_page: OpenPage) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    open_new_visit(page, installation)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Camera", exact=True).tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(files(131))
    expect_read(page, 1)
