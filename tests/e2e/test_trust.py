"""What a real browser does and stores: no violation of the content security policy, no other host, nothing after sign-out."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.chromium import PATIENCE_MS, POLICY_VIOLATIONS, use
from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.pages import addresses
from tests.engines.installation import Installation, eventually

INES = "Ines Aalto"
KEPT = """async () => ({
    local: Object.entries(localStorage).map(String),
    session: Object.entries(sessionStorage).map(String),
    databases: (await indexedDB.databases()).map(each => each.name),
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
# htmx remembers the path of the page that is open: after sign-out that of sign-in.
HERE = ["htmx-current-path-for-history,/accounts/login/"]
NOTHING: dict[str, Any] = {"local": [], "session": HERE, "databases": [], "caches": [], "workers": 0}


def test_what_is_injected_does_not_run(installation: Installation, open_page: OpenPage, browser: Browser) -> None:
    context = browser.new_context(base_url=installation.address)
    page = context.new_page()
    page.add_init_script(POLICY_VIOLATIONS)
    sign_in(page, installation)
    page.evaluate("""() => {
        const injected = [
            ['script', {textContent: 'window.ran = 1'}],
            ['script', {src: 'https://other.example/x.js'}],
            ['img', {src: 'https://other.example/x.png'}],
            ['style', {textContent: 'body {display: none}'}],
        ];
        for (const [tag, fields] of injected) {
            document.body.append(Object.assign(document.createElement(tag), fields));
        }
        const form = Object.assign(document.createElement('form'), {action: 'https://other.example/', method: 'post'});
        document.body.append(form);
        form.submit();
    }""")
    # Polled from the test: Playwright's own polling uses eval, which the policy forbids.
    eventually(lambda: page.evaluate("window.violations.length") >= 5, "five violations")
    blocked = {violation.split()[0] for violation in page.evaluate("window.violations")}
    assert blocked == {"script-src-elem", "img-src", "style-src-elem", "form-action"}
    assert page.evaluate("window.ran") is None
    assert page.url.startswith(installation.address)
    context.close()


def test_plotly_has_no_button_that_sends_the_figure_away(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    plot = page.locator(".js-plotly-plot")
    expect(plot.locator(".main-svg").first).to_be_visible(timeout=PATIENCE_MS)
    plot.hover()
    expect(plot.locator(".modebar-btn")).to_have_count(0)
    context = plot.evaluate("g => ({cloud: g._context.showSendToCloud, server: g._context.plotlyServerURL})")
    assert context == {"cloud": False, "server": ""}
    expect(page.get_by_text(re.compile("share", re.IGNORECASE)).filter(visible=True).and_(page.locator("a, button"))).to_have_count(
        0
    )


def test_nothing_is_left_in_the_browser_after_sign_out(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    paths = [
        each.path for each in addresses(installation) if each.name in {"list", "detail", "visit", "photo", "edit_visit", "compare"}
    ]
    walk_without_violations(page, paths)
    kept = page.evaluate(KEPT)
    assert INES not in str(kept)  # not even during the session
    page.goto("/settings/")
    with page.expect_response(lambda answer: answer.url.endswith("/accounts/logout/")) as answered:
        page.get_by_role("button", name="Sign out").last.click()
    assert answered.value.status == 302
    page.goto("/accounts/login/")
    assert page.evaluate(KEPT) == NOTHING
    assert [cookie["name"] for cookie in page.context.cookies() if "session" in str(cookie.get("name"))] == []


def test_name_that_is_searched_for_does_not_become_an_address(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation, path="/patients/")
    with page.expect_response(lambda answer: "/patients/?q=" in answer.url):
        page.get_by_role("searchbox").press_sequentially("aalto")
    expect(page.get_by_role("link", name=INES).last).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert page.url == f"{installation.address}/patients/"  # the browser's history outlives the session
    expect(page.locator("#found")).to_have_text("1 patient found.")
    expect(page.locator(".htmx-request, .htmx-added, .htmx-settling")).to_have_count(0)
    page.wait_for_timeout(300)  # a delayed search would override the click
    for name in ("Needs review", "All"):
        with page.expect_response(lambda answer: "q=aalto" in answer.url):
            page.get_by_role("link", name=name).first.click()
        expect(page.locator("#caseload [aria-current]")).to_contain_text(name)
    assert page.url == f"{installation.address}/patients/"
    expect(page.locator("#show-new")).to_have_attribute("href", "/patients/?show=new")


def walk_without_violations(page: Page, paths: list[str]) -> None:
    page.add_init_script(POLICY_VIOLATIONS)
    for path in paths:
        page.goto(path)
        page.wait_for_load_state("load")
        use(page)
        assert page.evaluate("window.violations") == []


def test_back_button_after_sign_out_shows_no_patient(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    page.wait_for_url("**/patients/*-*/")
    page.goto("/settings/")
    page.get_by_role("button", name="Sign out").last.click()
    page.wait_for_load_state("load")
    for _ in range(3):
        page.go_back()
        page.wait_for_load_state("load")
        assert INES not in page.content()


def test_unfinished_form_is_kept_before_the_session_ends_and_comes_back(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    page.wait_for_url("**/patients/*-*/")
    path = page.url + "events/new/"

    def nearly_over(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'data-seconds-left="\d+"', 'data-seconds-left="70"', answer.text()))

    page.route(path, nearly_over)
    page.route("**/session/", lambda route: route.fulfill(json=route.fetch().json() | {"seconds_left": 50}))
    page.goto(path)
    with page.expect_response(
        lambda answer: answer.url.endswith("/drafts/") and "goes_on" in (answer.request.post_data or "")
    ) as kept:
        page.get_by_label("What happened").fill("Moved in with her sister")
        page.get_by_label("Still going on").check()
    assert kept.value.status == 201
    assert kept.value.request.headers["x-background"] == "1"  # storing a draft does not renew the session
    page.unroute_all()
    page.goto("/settings/")
    page.goto(path)
    expect(page.get_by_label("What happened")).to_have_value("Moved in with her sister")
    expect(page.get_by_label("Still going on")).to_be_checked()
    expect(page.get_by_text("Your text from last time is restored.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("What happened")).to_have_value("Moved in with her sister")


def test_what_comes_back_with_its_errors_is_newer_than_any_draft(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    page.wait_for_url("**/patients/*-*/")
    page.goto(page.url + "events/new/")
    with page.expect_response(lambda answer: answer.url.endswith("/drafts/") and answer.request.method == "POST"):
        page.get_by_label("What happened").fill("Moved")
    page.get_by_label("Kind").select_option("life_event")
    page.get_by_label("First day").fill("2199-01-01")
    page.get_by_label("What happened").fill("Moved in with her sister")
    with page.expect_response(lambda answer: answer.url.endswith("/drafts/") and answer.request.method == "POST") as kept:
        page.get_by_label("What happened").press("Enter")
    assert "sister" in (kept.value.request.post_data or "")
    expect(page.get_by_text("This is more than a year ahead. Check the year.")).to_be_visible()
    expect(page.get_by_label("What happened")).to_have_value("Moved in with her sister")
    page.get_by_role("link", name="Cancel").click()


def test_what_one_cancels_does_not_come_back(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_role("link", name=INES).last.click()
    page.wait_for_url("**/patients/*-*/")
    path = page.url + "events/new/"
    page.goto(path)
    with page.expect_response(lambda answer: answer.url.endswith("/drafts/") and answer.request.method == "POST") as kept:
        page.get_by_label("What happened").fill("Lost her job")
    assert kept.value.status == 201
    with page.expect_request(lambda request: "forget=1" in (request.post_data or "")):
        page.get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/patients/*-*/")
    # The page asks for that while it leaves, and does not wait for the answer.
    draft = f"/drafts/?path={urlsplit(path).path}"
    eventually(lambda: page.request.get(draft).json() == {"fields": {}}, "the draft is forgotten", 30)
    with page.expect_response(lambda answer: "/drafts/?path=" in answer.url) as given_back:
        page.goto(path)
    assert given_back.value.json() == {"fields": {}}
    expect(page.get_by_label("What happened")).to_have_value("")


def headers_of(context: BrowserContext, path: str) -> dict[str, str]:
    return context.request.get(path).headers


@pytest.mark.parametrize("path", ["/accounts/login/", "/patients/", "/nowhere/", "/api/v1/patients/"])
def test_every_answer_carries_the_headers(installation: Installation, open_page: OpenPage, path: str) -> None:
    page = open_page()
    sign_in(page, installation)
    headers = headers_of(page.context, path)
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
