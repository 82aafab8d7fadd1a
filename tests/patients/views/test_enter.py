"""Enter presses the first button of a form: it must never be one that removes something."""

import re

import pytest
from django.test import Client

from patients.models import OwnLabel, Photo, SelfReport, User, Visit
from tests.factories import make_photo, make_prediction

FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
BUTTON = re.compile(r"<button\b[^>]*>")


@pytest.fixture
def photo(visit: Visit, ada: User) -> Photo:
    """Return a labelled photo of a visit with a self-report."""
    photo = make_photo(visit)
    make_prediction(photo)
    SelfReport.objects.create(visit=visit, mood=3)
    OwnLabel.objects.create(photo=photo, clinician=ada, label="sad")
    return photo


@pytest.mark.parametrize(
    ("path", "takes_away"),
    [("/visits/{visit}/", 'value="mood"'), ("/photos/{photo}/", 'name="remove"'), ("/visits/{visit}/move-photos/", 'name="show"')],
)
def test_first_button_takes_nothing_away(browser: Client, photo: Photo, path: str, takes_away: str) -> None:
    page = browser.get(path.format(visit=photo.visit_id, photo=photo.pk)).content.decode()
    form = next(each for each in FORM.findall(page) if takes_away in each)
    buttons = [each for each in BUTTON.findall(form) if 'type="button"' not in each]
    assert takes_away in "".join(buttons)
    assert "name=" not in buttons[0]
