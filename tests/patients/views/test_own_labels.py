"""A clinician's own label: kept beside the model's answer, and compared with it."""

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.models import AccessLog, OwnLabel, Photo, User, Visit
from tests.factories import make_photo, make_prediction, make_read_visits, probabilities_of
from tests.patients.views.test_visit import FACES
from tests.queries import OF_THE_ACCESS_LOG


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo that was read as happy."""
    photo = make_photo(visit)
    make_prediction(photo, probabilities=probabilities_of(happy=0.71, surprise=0.1))
    return photo


def test_a_label_stands_beside_the_answer_and_changes_none(browser: Client, photo: Photo) -> None:
    before = list(photo.predictions.values())
    page = browser.post(f"/photos/{photo.pk}/label/", {"label": "sad", "remark": "Smile is polite."}, follow=True)
    text = page.content.decode()
    assert page.redirect_chain == [(f"/photos/{photo.pk}/#own-label", 302)]
    assert "About 7 of 10 raters would call this face happy" in text
    assert 'value="Smile is polite."' in text
    assert "you and the model agree on 0 of 1 photo." in text
    assert list(photo.predictions.values()) == before
    card = " ".join(browser.get(f"/photos/{photo.pk}/card/").content.decode().split())
    assert "Your label: <b>sad</b>" in card


def test_a_label_can_be_changed_and_taken_back(browser: Client, photo: Photo) -> None:
    for said in ("sad", "happy"):
        browser.post(f"/photos/{photo.pk}/label/", {"label": said})
    assert OwnLabel.objects.get().label == "happy"
    browser.post(f"/photos/{photo.pk}/label/", {"remove": "1"})
    assert not OwnLabel.objects.exists()
    assert list(AccessLog.objects.values_list("action", flat=True)) == ["label"] * 3


@pytest.mark.parametrize(("said", "why"), [("", "Choose a label first."), ("joyful", "Choose one of the labels.")])
def test_a_label_is_one_of_the_seven_or_cannot_say(browser: Client, photo: Photo, said: str, why: str) -> None:
    page = browser.post(f"/photos/{photo.pk}/label/", {"label": said}, follow=True)
    assert why in page.content.decode()
    assert not OwnLabel.objects.exists()


@pytest.mark.django_db
def test_the_database_knows_the_labels_too(photo: Photo) -> None:
    with pytest.raises(IntegrityError):
        OwnLabel.objects.create(photo=photo, clinician=photo.uploaded_by, label="joyful")


def test_the_label_of_a_colleague_waits_for_ones_own(browser: Client, photo: Photo, bo: User) -> None:
    OwnLabel.objects.create(photo=photo, clinician=bo, label="fear", remark="Eyes wide.")
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "A colleague labelled this photo" in page
    assert "Eyes wide." not in page
    browser.post(f"/photos/{photo.pk}/label/", {"label": "happy"})
    page = " ".join(browser.get(f"/photos/{photo.pk}/").content.decode().split())
    assert "Dr Bo Lindqvist: <b>fear</b> “Eyes wide.”" in page


def test_a_label_of_another_face_is_not_shown_as_of_this_one(browser: Client, photo: Photo) -> None:
    browser.post(f"/photos/{photo.pk}/label/", {"label": "happy"})
    photo.predictions.update(faces=FACES, chosen_face=0)
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "This label is about another face in the photo" in page
    assert "Your label:" not in browser.get(f"/photos/{photo.pk}/card/").content.decode()


def test_agreement_is_told_with_its_number_and_interval(browser: Client, ada: User, visit: Visit) -> None:
    for each in make_read_visits(visit.patient, days=3, photos_each=2):
        for number, photo in enumerate(each.photos.all()):
            OwnLabel.objects.create(photo=photo, clinician=ada, label="sad" if number else "happy")
    for path in ("/agreement/", f"/patients/{visit.patient_id}/agreement/"):
        page = " ".join(browser.get(path).content.decode().split())
        assert "You and the model agree on 3 of 6 photos" in page
        assert "50%, 95% interval 7% to 93%, 3 visits." in page
        assert "January 2026" in page


def test_without_labels_the_page_says_how_to_begin(browser: Client, visit: Visit) -> None:
    assert "Label a photo on its page" in browser.get("/agreement/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_labels(
    browser: Client, ada: User, visit: Visit, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        for each in make_read_visits(visit.patient, days=2, photos_each=2):
            for photo in each.photos.all():
                OwnLabel.objects.create(photo=photo, clinician=ada, label="happy")
        with django_assert_num_queries(4 + OF_THE_ACCESS_LOG):  # session, user, labels, patients
            browser.get("/agreement/")
