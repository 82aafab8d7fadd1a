"""Make the pictures of the README from the demo: `python -m tests.e2e.screenshots FOLDER`."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize

from tests.e2e.chromium import PATIENCE_MS, chromium
from tests.e2e.conftest import sign_in
from tests.engines.installation import Installation, eventually

DESK = ViewportSize(width=1280, height=860)
PHONE = ViewportSize(width=390, height=844)


def keep(page: Page, path: Path) -> None:
    """Save what the window shows, with 256 colours: a third of the bytes."""
    page.wait_for_timeout(800)  # plots and fades come to rest
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def views_of(house: Installation) -> dict[str, str]:
    """Return the address of each page to show, when the demo's photos are read."""
    patient = house.ask("GET", "patients/")["results"][0]["id"]
    visits = [visit["id"] for visit in house.ask("GET", f"patients/{patient}/visits/")["results"]]
    eventually(lambda: all(house.all_final(visit) for visit in visits), "the demo's photos are read")
    photo = house.photos(visits[-1])[0]["id"]
    return {
        "patients": "/patients/",
        "patient": f"/patients/{patient}/",
        "visit": f"/visits/{visits[-1]}/",
        "photo": f"/photos/{photo}/",
    }


def main() -> None:
    """Start an installation, walk through it, and save the pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as var, chromium() as browser:
        house = Installation(Path(var) / "var")
        house.start()
        try:
            views = views_of(house)
            page = browser.new_page(base_url=house.address, viewport=DESK)
            page.set_default_timeout(PATIENCE_MS)
            sign_in(page, house)
            for name, path in views.items():
                page.goto(path)
                keep(page, folder / f"{name}-light.png")
            page.emulate_media(color_scheme="dark")
            page.goto(views["patient"])
            keep(page, folder / "patient-dark.png")
            page.set_viewport_size(PHONE)
            page.emulate_media(color_scheme="light")
            page.goto(views["visit"])
            keep(page, folder / "visit-phone.png")
        finally:
            house.stop()


if __name__ == "__main__":
    main()
