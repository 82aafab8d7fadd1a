"""What a browser calls itself."""

import pytest

from patients.accounts.browsers import browser_and_system
from patients.templatetags.look import browser_in_words

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", ("Edge", "Windows")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", ("Firefox", "macOS")),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {WEBKIT} Version/26.0 Safari/604.1", ("Safari", "iPhone")),
        ("curl/8.14", ("", "")),
    ],
)
def test_browser_and_system_are_named(user_agent: str, named: tuple[str, str]) -> None:
    assert browser_and_system(user_agent) == named


def test_browser_in_words() -> None:
    assert browser_in_words("(X11; Linux x86_64) Firefox/145.0") == "Firefox on Linux"
    assert browser_in_words("(Windows NT 10.0)") == "Windows"
    assert browser_in_words("") == "Unknown browser"
