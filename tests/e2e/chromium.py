"""The browser of the tests, and a page that remembers everything that went wrong on it."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Without these three the browser asks its maker's hosts at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STEP_MS = 30_000.0  # a click on a busy computer
PATIENCE_MS = 120_000.0  # photos that are read on one
# What pages expect: a session that has ended elsewhere, a twin, a code that is spent, a file that is too large; a search that a
# later one replaces; and what a test that cuts the line brings about.
ANSWERED = re.compile(
    r"Failed to load resource.*(status of (401|409|410|413)|INTERNET_DISCONNECTED)|^htmx:(afterRequest|sendError|sendAbort)"
    r"|^Response Status Error Code 409"
)
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Settles when every figure was drawn anew; at once where there is none.
NEXT_DRAWING = """() => { window.drawn = Promise.all(Array.from(document.querySelectorAll(".js-plotly-plot"),
    plot => new Promise(done => plot.once("plotly_afterplot", done)))); }"""


@contextlib.contextmanager
def chromium(camera: Path | None = None) -> Iterator[Browser]:
    """Start the system's Chromium; its camera sees the pictures of the file `camera`, JPEGs one after the other."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise FileNotFoundError("Chromium is missing: run `make engines`")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    seen = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"] if camera else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS + sandbox + seen)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a browser context did that it must not do."""

    host: str
    wrongs: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrongs.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if ANSWERED.search(message.text):
            return
        if message.type in ("error", "warning"):  # violations of the content security policy come here too
            self.wrongs.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self.host:
            self.wrongs.append(f"request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.wrongs.append(f"status {response.status}: {response.url}")


def violations(page: Page, rules: dict[str, Any] = WCAG) -> list[str]:  # Any: axe's own options
    """Return what axe finds on the page as it is now: rule, and the first element concerned."""
    found: list[dict[str, Any]] = Axe().run(page, options=rules).response["violations"]  # Any: JSON
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]} ({each['nodes'][0]['failureSummary'][:200]})" for each in found]


def violations_in_both_themes(page: Page) -> list[str]:
    """Return what axe finds in light, and which contrasts are too weak in dark: nothing else differs between the two."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # else colours fade over, on a busy machine for seconds
    found = [f"light, {page.url}: {violation}" for violation in violations(page)]
    page.evaluate(NEXT_DRAWING)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate("window.drawn")
    found += [f"dark, {page.url}: {violation}" for violation in violations(page, CONTRAST)]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return found
