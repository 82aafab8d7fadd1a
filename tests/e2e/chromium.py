"""The browser of the tests, and a watch that records everything that goes wrong on its pages."""

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
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, ViewportSize, expect, sync_playwright

# Chromium takes the last list alone, so the first ones are Playwright's own. The omnibox draws two pages for every window:
# without them a window costs half as much.
WITHOUT = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable"),
    *("LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    *("WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopup", "WebUIOmniboxPopupSelectionControl"),
)
# The first is Chromium without windows and toolbars, which Debian packs by itself: a test costs a third less.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Without these three the browser contacts its maker's hosts at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
]
STEP_MS = 30_000.0  # a click on a busy computer
PATIENCE_MS = 120_000.0  # photos that are read on one
# Statuses that pages expect: a session that ended elsewhere, a duplicate, a used code, a file that is too large or no photo; a
# search that a later one replaces; and the failures in a test that cuts the network.
ANSWERED = re.compile(
    r"Failed to load resource.*(status of (401|409|410|413|422|429)|INTERNET_DISCONNECTED)|^htmx:(afterRequest|sendError|sendAbort)"
    r"|^Response Status Error Code 409"
)
# Only violations are described: a description of every element that passed costs as much as the checks.
FAST = {"resultTypes": ["violations"], "preload": False}
WCAG = FAST | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = FAST | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
AXE = Axe().axe_script
RUN_AXE = "options => axe.run(options).then(result => result.violations)"
# Collects what the content security policy refuses: add it as an init script.
POLICY_VIOLATIONS = """
    window.violations = [];
    document.addEventListener('securitypolicyviolation', e => window.violations.push(
        `${e.effectiveDirective} ${e.blockedURI} at ${e.sourceFile}:${e.lineNumber}`));
"""
# Resolves when every figure has been redrawn; at once if there is none.
NEXT_DRAWING = """() => { window.drawn = Promise.all(Array.from(document.querySelectorAll(".js-plotly-plot"),
    plot => new Promise(done => plot.once("plotly_afterplot", done)))); }"""


@contextlib.contextmanager
def chromium(camera: Path | None = None) -> Iterator[Browser]:
    """Start the system's Chromium. Its camera shows the file `camera`, a sequence of JPEGs."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise FileNotFoundError("Chromium is missing: run `make engines`")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    # A browser without windows has no one to ask whether the page may use the camera.
    seen = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS + sandbox + (seen if camera else []))
        yield browser
        browser.close()


@dataclass
class Watch:
    """Records what a browser context must not do."""

    host: str
    problems: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        """Start to watch a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if ANSWERED.search(message.text):
            return
        if message.type in ("error", "warning"):  # violations of the content security policy are console errors too
            self.problems.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self.host:
            self.problems.append(f"request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"status {response.status}: {response.url}")


def violations(page: Page, rules: dict[str, Any] = WCAG) -> list[str]:  # Any: axe's own options
    """Return what axe finds on the page in its current state: the rule and the first element concerned."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE, rules)  # Any: JSON
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]} ({each['nodes'][0]['failureSummary'][:200]})" for each in found]


def violations_in_both_themes(page: Page) -> list[str]:
    """Return what axe finds in light, and the contrasts that are too weak in dark. Nothing else differs between the themes."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # otherwise colours fade, on a busy machine for seconds
    found = [f"light, {page.url}: {violation}" for violation in violations(page)]
    page.evaluate(NEXT_DRAWING)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.evaluate("window.drawn")
    found += [f"dark, {page.url}: {violation}" for violation in violations(page, CONTRAST)]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return found


def use(page: Page) -> None:
    """Open what opens on the page, and step to the last visit of a figure."""
    for summary in page.locator("main details > summary").all()[:6]:
        if summary.is_visible():
            summary.click()
    if page.locator("[data-plot]").count():
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENCE_MS)
        page.locator("[data-plot]").first.focus()
        page.keyboard.press("End")


def resize(page: Page, size: ViewportSize) -> None:
    """Give the window another size. Returns when every figure has been drawn anew."""
    if page.viewport_size != size:
        page.evaluate(NEXT_DRAWING)
        page.set_viewport_size(size)
        page.evaluate("window.drawn")
