"""How long a photo takes from upload to result, in Chromium and through the API, and how long an installation takes to start.

    python -m benchmarks.walk [--photos 40] [--production]

It starts an installation of its own by the real command, with the embedded engines or, with `--production`, PostgreSQL, Redis,
gunicorn with four processes and two workers. Photos are sent one after the other, each when the one before is final, as JSON lines:

    {"start": "first", "seconds"}            until the demo's sign-in is printed; "again": with the data there
    {"way": "chromium", "megapixels", ...}   from the choice of the file until the result is painted on its card
    {"way": "api", "megapixels", ...}        from the first byte of the request until the API shows the result, asked every 20 ms

`accepted_ms` is the median until the card of the accepted photo is there, or the answer of the API. The browser shares the cores.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import FilePayload, Page

from benchmarks.burst import CAST, IDLE, Person, camera_photos, embedded, production, share
from tests.e2e.chromium import PATIENCE_MS, chromium
from tests.engines.installation import FINAL, Installation, eventually
from tests.engines.portraits import portrait

MEGAPIXELS = {"0.2": lambda count: [portrait(number).read() for number in range(count)], "12": camera_photos}
# Notes when a file was chosen, when its card came and when the result on it was painted.
WATCH = """
    addEventListener("change", () => { window.walk = { chosen: performance.now() }; }, true);
    function note(what) {
        requestAnimationFrame(() => setTimeout(() => {
            window.walk[what] ??= performance.now();
            document.documentElement.dataset[what] = "";
        }));
    }
    addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
        const cards = document.querySelectorAll("#photos > .photo[id]").length;
        const unread = document.querySelectorAll('#photos > .photo[hx-trigger^="again"]').length;
        if (cards <= (window.cards ?? 0)) return;
        note("accepted");
        if (unread) return;
        window.cards = cards;
        note("shown");
    }).observe(document.body, { childList: true, subtree: true, attributes: true }));
"""


@contextmanager
def visit_page(installation: Installation, person: Person) -> Iterator[Page]:
    """Yield the page of the person's visit in Chromium."""
    with chromium() as browser:
        context = browser.new_context(base_url=installation.address)
        context.add_cookies([{"name": "session", "value": person.session, "url": installation.address}])
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(f"/visits/{person.visit}/")
        yield page


def walked_in_chromium(page: Page, photos: list[bytes]) -> list[tuple[float, float]]:
    """Return for each photo the milliseconds until it was accepted and until its result was painted."""
    taken = []
    for number, photo in enumerate(photos):
        page.locator("#files").set_input_files(FilePayload(name=f"{number}.jpg", mimeType="image/jpeg", buffer=photo))
        page.locator("html[data-shown]").wait_for(timeout=PATIENCE_MS)
        walk: dict[str, float] = page.evaluate("window.walk")
        taken.append((walk["accepted"] - walk["chosen"], walk["shown"] - walk["chosen"]))
        page.evaluate("delete document.documentElement.dataset.shown")
    return taken


def walked_by_api(installation: Installation, photos: list[bytes]) -> list[tuple[float, float]]:
    """Return for each photo the milliseconds until it was accepted and until the API showed its result."""
    taken = []
    for number, photo in enumerate(photos):
        visit = installation.new_visit()  # of its own, so that asking costs the same for each
        began = time.monotonic()
        installation.upload(visit, SimpleUploadedFile(f"{number}.jpg", photo, "image/jpeg"))
        accepted = time.monotonic() - began
        while installation.states(visit)[0] not in FINAL:
            time.sleep(0.02)
        taken.append((1000 * accepted, 1000 * (time.monotonic() - began)))
    return taken


def told(way: str, megapixels: str, taken: list[tuple[float, float]]) -> None:
    """Print one line."""
    accepted, shown = ([each[part] for each in taken] for part in (0, 1))
    figures = {"photos": len(taken), "accepted_ms": round(statistics.median(accepted))}
    figures |= {"p50_ms": round(statistics.median(shown)), "p95_ms": round(share(shown, 95)), "most_ms": round(max(shown))}
    print(json.dumps({"way": way, "megapixels": float(megapixels), **figures}), flush=True)


def started(installation: Installation) -> float:
    """Start the installation and return the seconds until it printed how to sign in."""
    began = time.monotonic()
    installation.start()
    return time.monotonic() - began


def measure(installation: Installation, photos: int) -> None:
    """Measure both ways, for small photos and for those of a camera."""
    eventually(installation.has_its_demo, "the demo's photos are there")
    people = [Person(installation.address, *row) for row in json.loads(installation.run(CAST.format(people=len(MEGAPIXELS))))]
    eventually(lambda: "[0" in installation.run(IDLE), "the demo's photos are read")
    for person, (megapixels, made) in zip(people, MEGAPIXELS.items(), strict=True):
        first, *others = made(2 * photos + 1)
        walked_by_api(installation, [first])  # loads what is loaded once
        with visit_page(installation, person) as page:
            told("chromium", megapixels, walked_in_chromium(page, others[:photos]))
        told("api", megapixels, walked_by_api(installation, others[photos:]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=40, help="of each size and way")
    parser.add_argument("--production", action="store_true", help="PostgreSQL, Redis, four web processes, two workers")
    options = parser.parse_args()
    most = str(4 * options.photos + 2)
    engines = production if options.production else embedded
    with tempfile.TemporaryDirectory() as name:
        if not options.production:
            installation = Installation(Path(name) / "start")
            print(json.dumps({"start": "first", "seconds": round(started(installation), 2)}), flush=True)
            eventually(installation.has_its_demo, "the demo's photos are there")
            installation.stop()
            print(json.dumps({"start": "again", "seconds": round(started(installation), 2)}), flush=True)
            installation.stop()
        with engines(Path(name), {"DEMO_VISITS": "1", "PHOTOS_PER_VISIT": most}) as installation:
            measure(installation, options.photos)


if __name__ == "__main__":
    main()
