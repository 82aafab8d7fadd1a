"""Make the pictures of the documents from the demo: `python -m tests.e2e.screenshots FOLDER`.

Every page in light and dark and at the width of a phone, and a few moments of the guide. All of it stays under 6 MB.
"""

import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import django
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

import tests.environment  # a private folder and keys for Django here, which only lists its addresses
from tests.e2e.chromium import PATIENCE_MS, chromium
from tests.e2e.conftest import sign_in
from tests.e2e.pages import Address, pages_by_role
from tests.engines.installation import Installation, eventually

DESK = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
MOST_BYTES = 6_000_000
PALETTE = 256
FILE_NAMES = {"list": "patients", "detail": "patient", "account_login": "sign-in"}
TOURS = "from patients.models import User; User.objects.update(tours_seen={seen}, language='{language}')"


def with_few_colours(picture: Image.Image) -> Image.Image:
    """Return the picture with 256 of its own colours: a third of the bytes, and small marks keep their colour to the eye.

    Each colour that is taken is the one that was farthest off so far, by its distance and by how many pixels have it. Pillow's
    quantize() forgets what is small and matches coarsely: "angry" came out orange.
    """
    pixels = np.asarray(picture, np.int32).reshape(-1, 3)  # (H * W, 3)
    colours, where, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    off = np.full(len(colours), np.inf)  # squared distance to the nearest colour taken
    nearest = np.zeros(len(colours), np.uint8)
    taken: list[int] = []
    for number in range(min(PALETTE, len(colours))):
        taken.append(int(np.argmax(off * np.sqrt(counts))) if taken else int(np.argmax(counts)))
        distance = ((colours - colours[taken[-1]]) ** 2).sum(axis=1)
        nearest[distance < off] = number
        off = np.minimum(off, distance)
    few = Image.fromarray(nearest[where.reshape(-1)].reshape(picture.height, picture.width))
    few.putpalette(colours[taken].astype(np.uint8).tobytes())
    return few


def keep(page: Page, path: Path) -> None:
    """Save what the window shows."""
    page.wait_for_timeout(800)  # plots and fades come to rest
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        with_few_colours(picture.convert("RGB")).save(path, optimize=True)


def keep_three(page: Page, address: Address, folder: Path) -> None:
    """Save one page in light, in dark and as on a phone."""
    name = FILE_NAMES.get(address.name, address.name).replace("_", "-")
    page.goto(address.path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        keep(page, folder / f"{name}-{scheme}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.reload()
    keep(page, folder / f"{name}-phone.png")
    page.set_viewport_size(DESK)


def press(page: Page, *keys: str) -> None:
    """Press one key after the other."""
    for key in keys:
        page.keyboard.press(key)


def keep_moments(page: Page, installation: Installation, patient: str, folder: Path) -> None:
    """Save what no address shows by itself: the card by keyboard, seven strips, shortcuts, an answer, German, the tour."""
    moments: dict[str, Callable[[], None]] = {
        "timeline-card": lambda: press(page, "t", "ArrowLeft"),
        "timeline-seven": lambda: page.locator("[data-view=apart]").click(),
        "shortcuts": lambda: press(page, "?"),
        "answer": lambda: page.locator("[popovertarget=why-seven]").click(),
    }
    for name, act in moments.items():
        page.goto(patient)
        page.wait_for_selector("#timeline .main-svg")
        page.locator("#timeline").scroll_into_view_if_needed()
        act()
        keep(page, folder / f"{name}-light.png")
    installation.run(TOURS.format(seen="['patients', 'patient', 'visit']", language="de"))
    page.goto(patient)
    keep(page, folder / "patient-german-light.png")
    installation.run(TOURS.format(seen="[]", language=""))
    page.goto("/patients/")
    keep(page, folder / "tour-light.png")


def walk(installation: Installation, browser: Browser, folder: Path) -> None:
    """Open every page as the first role that may, and save it."""
    # Django's models can be imported only after its setup.
    from patients.management.commands.load_demo import ADMINISTRATOR, EMAIL

    people = {"nobody": "", "clinician": EMAIL, "administrator": ADMINISTRATOR}
    opened = {role: browser.new_page(base_url=installation.address, viewport=DESK, locale="en-US") for role in people}
    for role, email in people.items():
        opened[role].set_default_timeout(PATIENCE_MS)
        if email:
            sign_in(opened[role], installation, email=email)
    found = pages_by_role(installation, {role: page.context for role, page in opened.items()})
    for role, group in found.items():
        for address in group:
            keep_three(opened[role], address, folder)
    record = next(each.path for each in found["clinician"] if each.name == "detail")
    keep_moments(opened["clinician"], installation, record, folder)


def main() -> int:
    """Start an installation, walk through it, save the pictures; return 1 when they weigh too much."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
    django.setup()
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as var, chromium() as browser:
        installation = Installation(Path(var) / "var", DEMO_VISITS="0")
        installation.start()
        try:
            eventually(installation.has_its_demo, "the demo's photos are there")
            walk(installation, browser, folder)
        finally:
            installation.stop()
    size = sum(path.stat().st_size for path in folder.glob("*.png"))
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures, {size / 1e6:.1f} MB\n")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        tests.environment.pytest_unconfigure()
