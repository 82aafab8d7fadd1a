"""One installation and one browser for all tests; each test gets a fresh context, and anything that goes wrong fails it."""

import json
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import STEP_MS, Watch, chromium
from tests.engines.installation import PROJECT, Installation
from tests.engines.portraits import portrait
from tests.engines.seed import seeded

RESULTS = PROJECT / "test-results"
CAMERA_SEES = 141  # the number of a portrait that no test uploads
OpenPage = Callable[..., Page]
SIGN_IN = """
import json, time
from django.test import Client
from patients.models import User
user, client = User.objects.get(email="{email}"), Client()
if {is_toured}:
    user.see_tour(True)
User.objects.filter(pk=user.pk).update(timeline_rows=dict())
client.force_login(user)
session = client.session
session["account_authentication_methods"] = [dict(method="password", at=time.time(), email=user.email)]
session.save()
print(json.dumps([dict(name=name, value=cookie.value) for name, cookie in client.cookies.items()]))
"""


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield a running installation."""
    many = "20000"  # one test writes a record of 8,000 photos, and later tests add to the same database
    installation = Installation(tmp_path_factory.mktemp("walk") / "var", PHOTOS_PER_USER_AND_DAY=many)
    installation.start_from(seeded(tmp_path_factory))
    yield installation
    installation.stop()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Yield Chromium, whose camera shows a person."""
    camera = tmp_path_factory.mktemp("camera") / "portrait.mjpeg"
    camera.write_bytes(portrait(CAMERA_SEES).read())
    with chromium(camera) as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember for the fixture below whether the test has failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


NEW_VISIT = """
from django.utils import timezone
from patients.models import Patient, User, Visit
patient = next(patient for patient in Patient.objects.all() if patient.record_number == "DEMO-1")
clinician = User.objects.get(email="{email}")
print(f"/visits/{{Visit.objects.create(patient=patient, date=timezone.localdate(), created_by=clinician).pk}}/")
"""
FAILED = pytest.StashKey[bool]()
FIRST_PAGE = re.compile("/(patients|people|research|health)/")

expect.set_options(timeout=STEP_MS)  # the default is five seconds, whatever the context says; the cores may be busy


def set_user(installation: Installation, change: str) -> None:
    """Change a field of the demo's clinician."""
    code = f"from patients.models import User; User.objects.filter(email='{installation.email}').update({change})"
    installation.run(code)


@pytest.fixture
def as_before(installation: Installation) -> Iterator[None]:
    """Restore the clinician's language and shortcuts after the test: later tests use the same account."""
    yield
    set_user(installation, "language='', has_shortcuts=True")


@pytest.fixture
def open_page(installation: Installation, browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Yield a function that opens an empty page in a context of its own. A failed test leaves pictures in test-results/."""
    watch = Watch(urlsplit(installation.address).netloc)
    pages: list[Page] = []

    def open_one(**options: object) -> Page:
        context = browser.new_context(**{"base_url": installation.address, "locale": "en-US", **options})  # type: ignore[arg-type]  # passed through as they came
        context.set_default_timeout(STEP_MS)
        page = context.new_page()
        watch.on(page)
        # Chromium must intercept file choosers from the start: the first one would open unseen otherwise.
        page.on("filechooser", lambda _chooser: None)
        pages.append(page)
        return page

    yield open_one
    if watch.problems or request.node.stash.get(FAILED, True):
        keep_pictures(pages, request.node.name)
    for page in pages:
        page.context.close()
    assert not watch.problems, "\n".join(sorted(set(watch.problems)))


def keep_pictures(pages: list[Page], name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    for number, page in enumerate(pages):
        page.screenshot(path=Path(RESULTS) / f"{re.sub(r'[^a-z0-9_]+', '-', name)}-{number}.png", full_page=True)


def sign_in(page: Page, installation: Installation, is_toured: bool = True, email: str = "", path: str = "/") -> None:
    """Give the page a new session of the demo's clinician, or of `email`, who has seen the tours; open `path`.

    The sign-in form has tests of its own. Filling it in for each of a hundred pages took two minutes.
    """
    cookies = json.loads(installation.run(SIGN_IN.format(email=email or installation.email, is_toured=is_toured)))
    page.context.add_cookies([cookie | {"url": installation.address} for cookie in cookies])
    page.goto(path)


def open_new_visit(page: Page, installation: Installation) -> None:
    """Sign the demo's clinician in and open a new visit of Ines, who consents to photos.

    The way there from the list of patients has tests of its own.
    """
    sign_in(page, installation, path=installation.run(NEW_VISIT.format(email=installation.email)).strip())
    page.wait_for_load_state("load")  # from now on a script handles chosen files


def sign_in_by_form(page: Page, installation: Installation, email: str = "") -> None:
    """Sign the demo's clinician in as a person does."""
    page.goto("/")
    page.get_by_label("Work e-mail").fill(email or installation.email)
    page.get_by_label("Password").fill(installation.password)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(FIRST_PAGE)
