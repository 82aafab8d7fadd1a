"""Takes the documents' screenshots from the demo: `python -m tests.e2e.screenshots FOLDER`.

With --all it takes every page in light, in dark and at the width of a phone, and every scene below.
"""

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import django
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

import tests.environment  # a private folder and keys for Django in this process, which only lists its addresses
from tests.documents import pictures_shown
from tests.e2e.chromium import PATIENCE_MS, chromium
from tests.e2e.conftest import sign_in
from tests.e2e.pages import Address, pages_by_role
from tests.engines.installation import Installation, eventually

DESK = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
MOST_BYTES = 2_000_000
PALETTE = 256
FILE_NAMES = {"list": "patients", "detail": "patient", "account_login": "sign-in"}
TOURS = "from patients.models import User; User.objects.update(tours_seen={seen}, language='{language}', timeline_rows=dict())"


def with_few_colours(picture: Image.Image) -> Image.Image:
    """Return the picture with 256 of its own colours: a third of the bytes, and small marks keep their colour.

    Each step takes the colour that is farthest from those taken, weighted by its number of pixels. Pillow's
    quantize() drops small areas and matches coarsely: "angry" came out orange.
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


@dataclass(frozen=True)
class Album:
    """The folder of the pictures, and the file names of those to make; None stands for all."""

    folder: Path
    wanted: frozenset[str] | None

    def wants(self, name: str) -> bool:
        """Whether the picture of this name is to be made."""
        return self.wanted is None or f"{name}.png" in self.wanted

    def keep(self, page: Page, name: str) -> None:
        """Save what the window shows, if it is wanted."""
        if not self.wants(name):
            return
        page.wait_for_timeout(800)  # until plots and fades have settled
        with Image.open(io.BytesIO(page.screenshot())) as picture:
            with_few_colours(picture.convert("RGB")).save(self.folder / f"{name}.png", optimize=True)

    def keep_three(self, page: Page, address: Address) -> None:
        """Save one page in light, in dark and as on a phone."""
        name = FILE_NAMES.get(address.name, address.name).replace("_", "-")
        if not any(self.wants(f"{name}-{look}") for look in ("light", "dark", "phone")):
            return
        page.goto(address.path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            self.keep(page, f"{name}-{scheme}")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        page.reload()
        self.keep(page, f"{name}-phone")
        page.set_viewport_size(DESK)

    def missing(self) -> list[str]:
        """Return the wanted pictures that were not made."""
        return sorted((self.wanted or frozenset()) - {path.name for path in self.folder.glob("*.png")})


def press(page: Page, *keys: str) -> None:
    """Press one key after the other."""
    for key in keys:
        page.keyboard.press(key)


def keep_moments(page: Page, installation: Installation, patient: str, album: Album) -> None:
    """Save the scenes that have no address: the card by keyboard, seven strips, shortcuts, a help text, German, the tour."""
    moments: dict[str, Callable[[], None]] = {
        "timeline-card": lambda: press(page, "t", "ArrowLeft"),
        "shortcuts": lambda: press(page, "?"),
        "answer": lambda: page.locator("[popovertarget=why-seven]").click(),
        "timeline-seven": lambda: page.locator("[data-view=small-multiples]").click(),
    }
    for name, act in moments.items():
        if not album.wants(f"{name}-light"):
            continue
        page.goto(patient)
        page.wait_for_selector("#timeline .main-svg")
        page.locator("#timeline").scroll_into_view_if_needed()
        act()
        album.keep(page, f"{name}-light")
    installation.run(TOURS.format(seen="['patients']", language="de"))
    page.goto(patient)
    album.keep(page, "patient-german-light")
    installation.run(TOURS.format(seen="[]", language=""))
    page.goto("/patients/")
    album.keep(page, "tour-light")


def walk(installation: Installation, browser: Browser, album: Album) -> None:
    """Open every wanted page as the first role that may, and save it."""
    # Django's models can be imported only after its setup.
    from demo.management.commands.load_demo import ADMINISTRATOR, EMAIL

    people = {"signed out": "", "clinician": EMAIL, "administrator": ADMINISTRATOR}
    opened = {role: browser.new_page(base_url=installation.address, viewport=DESK, locale="en-US") for role in people}
    for role, email in people.items():
        opened[role].set_default_timeout(PATIENCE_MS)
        if email:
            sign_in(opened[role], installation, email=email)
    found = pages_by_role(installation, {role: page.context for role, page in opened.items()})
    for role, group in found.items():
        for address in group:
            album.keep_three(opened[role], address)
    record = next(each.path for each in found["clinician"] if each.name == "detail")
    keep_moments(opened["clinician"], installation, record, album)


def parsed() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every page in every look, instead of what the documents show")
    return parser.parse_args()


def main() -> int:
    """Start an installation, walk through it, save the pictures. Return 1 if one is missing or the total is too large."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.settings"
    django.setup()
    asked = parsed()
    album = Album(asked.folder, None if asked.all else frozenset(pictures_shown()))
    album.folder.mkdir(parents=True, exist_ok=True)
    for old in album.folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as var, chromium() as browser:
        installation = Installation(Path(var) / "var", DEMO_VISITS="0")
        installation.start()
        try:
            eventually(installation.has_its_demo, "the demo's photos are there")
            walk(installation, browser, album)
        finally:
            installation.stop()
    size = sum(path.stat().st_size for path in album.folder.glob("*.png"))
    sys.stdout.write(f"{len(list(album.folder.glob('*.png')))} pictures, {size / 1e6:.1f} MB; missing: {album.missing()}\n")
    return int(bool(album.missing()) or (not asked.all and size > MOST_BYTES))


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        tests.environment.pytest_unconfigure()
