"""How long Chromium takes until the figure of a page is drawn: a part of `benchmarks.growth`.

The pages come from a server in this process, with one thread for each connection.
"""

import contextlib
import statistics
import threading
from collections.abc import Iterator
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test.utils import override_settings
from playwright.sync_api import ViewportSize

from tests.e2e.chromium import chromium

ROUNDS = 5
VIEW: ViewportSize = {"width": 1280, "height": 900}
# Notes when the traces of the figure are there and the frame with them was painted, since the page was asked for.
WATCH = """
    (function look() {
        if (document.querySelector("#timeline .main-svg .trace")) {
            requestAnimationFrame(() => setTimeout(() => { window.drawnAfter = performance.now(); }));
        } else {
            requestAnimationFrame(look);
        }
    })();
"""
FACTS = """() => ({
    drawn: window.drawnAfter,
    first: performance.getEntriesByType("navigation")[0].responseStart,
    nodes: document.getElementsByTagName("*").length,
})"""


class Silent(WSGIRequestHandler):
    """Answers without a line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def drawn(path: str, cookies: dict[str, str]) -> dict[str, object]:
    """Return milliseconds until the figure is drawn and until the first byte, the median of five visits, and the page's elements.

    `drawn_first_ms` is a visit before them, by a browser that has none of our files yet.
    """
    with served() as address, chromium() as browser:
        context = browser.new_context(viewport=VIEW, base_url=address)
        context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
        context.add_init_script(WATCH)
        page = context.new_page()
        visits = [visited(page, path) for _ in range(1 + ROUNDS)]
    first, *later = visits
    return {
        "drawn_ms": round(statistics.median(visit["drawn"] for visit in later)),
        "first_byte_ms": round(statistics.median(visit["first"] for visit in later)),
        "nodes": first["nodes"],
        "drawn_first_ms": round(first["drawn"]),
    }


def visited(page: Any, path: str) -> dict[str, float]:  # Any: a page of Playwright
    """Return what one visit took."""
    page.goto(path)
    page.wait_for_function("window.drawnAfter", timeout=60_000)
    facts: dict[str, float] = page.evaluate(FACTS)
    return facts


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Yield the address of a server of this process."""
    with override_settings(WHITENOISE_USE_FINDERS=True):
        application = get_wsgi_application()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Silent, allow_reuse_address=False)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
