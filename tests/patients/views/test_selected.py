"""Several photos of a visit changed at once: by one request, in one transaction, with one entry of the access log each."""

import pytest
from django.test import Client

from inference.models import Prediction
from patients.models import AccessLog, Photo, User, Visit
from patients.models.access import object_name
from tests.factories import make_photo, make_prediction, make_visit
from tests.patients.views.test_moving import words

State = Prediction.State


@pytest.fixture
def photos(visit: Visit) -> list[Photo]:
    """Return three photos of the visit that were read."""
    found = [make_photo(visit, original_name=f"IMG_{number}.jpg") for number in (1, 2, 3)]
    for photo in found:
        make_prediction(photo)
    return found


def change(browser: Client, visit: Visit, photos: list[Photo], do: str, **fields: str) -> str:
    """Press a button below the selected photos. Return the words of the page that follows."""
    asked = {"photo": [str(photo.pk) for photo in photos], "do": do} | fields
    return words(browser.post(f"/visits/{visit.pk}/selected/", asked, follow=True))


def logged(action: str) -> list[str]:
    """Return the ids of the photos with entries of this kind."""
    named = {object_name(pk, photo): str(photo) for photo, pk in Photo.objects.values_list("pk", "visit__patient")}
    return [
        named[each] for each in AccessLog.objects.filter(action=action).order_by("sequence").values_list("object_id", flat=True)
    ]


def test_selected_photos_are_excluded_with_a_reason_and_counted_again(browser: Client, ada: User, photos: list[Photo]) -> None:
    page = change(browser, photos[0].visit, photos[:2], "exclude", reason="Speaking.")
    assert "2 photos excluded." in page
    excluded = Photo.objects.exclude(excluded_at=None)
    assert {(photo.pk, photo.excluded_reason, photo.excluded_by) for photo in excluded} == {
        (photo.pk, "Speaking.", ada) for photo in photos[:2]
    }
    assert logged("exclude") == [str(photo.pk) for photo in photos[:2]]
    undo = page.split('action="')[1:]
    address = next(each.split('"')[0] for each in undo if "/selected/include/" in each)
    assert "2 photos counted again." in words(browser.post(address, follow=True))
    assert not Photo.objects.exclude(excluded_at=None).exists()
    assert logged("include") == [str(photo.pk) for photo in photos[:2]]


def test_what_someone_else_excluded_is_left_and_said(browser: Client, bo: User, photos: list[Photo]) -> None:
    photos[0].exclude("Eyes closed.", by=bo)
    page = change(browser, photos[0].visit, photos, "exclude", reason="Mine.")
    assert "2 photos excluded." in page
    assert "Not changed: IMG_1.jpg. Reason: already excluded by Dr Bo Lindqvist." in page
    assert Photo.objects.get(pk=photos[0].pk).excluded_reason == "Eyes closed."
    assert logged("exclude") == [str(photo.pk) for photo in photos[1:]]


def test_undo_counts_only_what_one_excluded_oneself(browser: Client, bo: User, photos: list[Photo]) -> None:
    photos[0].exclude("Eyes closed.", by=bo)
    address = f"/visits/{photos[0].visit_id}/selected/include/?photos={photos[0].pk.hex[:8]}"
    assert "excluded by someone else meanwhile" in words(browser.post(address, follow=True))
    assert Photo.objects.get(pk=photos[0].pk).excluded_at


def test_all_unusable_photos_are_dismissed_and_the_patient_leaves_the_list(browser: Client, visit: Visit) -> None:
    unusable = [make_photo(visit) for _ in range(3)]
    for photo in unusable:
        make_prediction(photo, state=State.NO_FACE)
    assert browser.get("/patients/").context["counts"]["needs_you"] == 1
    page = change(browser, visit, unusable, "dismiss")
    assert "3 photos dismissed." in page
    assert "Dismiss all unusable" not in page
    assert browser.get("/patients/").context["counts"]["needs_you"] == 0
    assert logged("dismiss") == [str(photo.pk) for photo in unusable]


def test_a_usable_photo_is_not_dismissed(browser: Client, photos: list[Photo]) -> None:
    refused = make_photo(photos[0].visit)
    make_prediction(refused, state=State.NO_FACE)
    page = change(browser, photos[0].visit, [photos[0], refused], "dismiss")
    assert "1 photo dismissed." in page
    assert "Not changed: IMG_1.jpg. Reason: not unusable." in page
    assert "already dismissed" in change(browser, photos[0].visit, [refused], "dismiss")


def test_selected_photos_are_analysed_again_unless_they_are_being_read(browser: Client, photos: list[Photo]) -> None:
    Prediction.objects.filter(photo=photos[2]).update(state=State.RUNNING)
    page = change(browser, photos[0].visit, photos, "reanalyse")
    assert "2 photos are being re-analysed." in page
    assert "Not changed: IMG_3.jpg. Reason:" in page
    assert Prediction.objects.filter(state=State.QUEUED).count() == 2
    assert logged("retry") == [str(photo.pk) for photo in photos[:2]]


def test_photos_that_left_the_visit_are_counted_and_not_touched(browser: Client, photos: list[Photo]) -> None:
    visit = photos[0].visit
    Photo.objects.filter(pk=photos[0].pk).update(visit=make_visit(visit.patient))
    page = change(browser, visit, photos[:2], "exclude")
    assert "1 photo excluded." in page
    assert "1 photo is no longer in this visit." in page
    assert Photo.objects.get(pk=photos[0].pk).excluded_at is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"do": "exclude"}, "Select at least one photo."),
        ({"do": "exclude", "photo": ["no id"]}, "Select at least one photo."),
        ({"do": ""}, "Choose what to do with the photos."),
        ({"do": "erase"}, "Choose what to do with the photos."),
        ({"do": "exclude", "reason": "x" * 201}, "A reason can have at most 200 characters."),
    ],
)
def test_a_request_that_asks_for_nothing_changes_nothing(
    browser: Client, photos: list[Photo], asked: dict[str, object], why: str
) -> None:
    asked = {"photo": [str(photos[0].pk)]} | asked if why != "Select at least one photo." else asked
    assert why in words(browser.post(f"/visits/{photos[0].visit_id}/selected/", asked, follow=True))
    assert not Photo.objects.exclude(excluded_at=None).exists()
    assert not AccessLog.objects.filter(action="exclude").exists()


def test_a_failure_halfway_changes_nothing(browser: Client, photos: list[Photo], monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Photo] = []

    def log(who: object, action: str, obj: Photo) -> None:
        done.append(obj)
        if len(done) == 2:
            raise RuntimeError("the log cannot be written")

    monkeypatch.setattr("patients.photos.selected.record_access", log)
    with pytest.raises(RuntimeError):
        change(browser, photos[0].visit, photos, "exclude")
    assert not Photo.objects.exclude(excluded_at=None).exists()


def test_a_stranger_changes_nothing(strange: Client, photos: list[Photo]) -> None:
    for address in ("selected/", f"selected/include/?photos={photos[0].pk.hex[:8]}"):
        assert (
            strange.post(f"/visits/{photos[0].visit_id}/{address}", {"photo": [str(photos[0].pk)], "do": "exclude"}).status_code
            == 404
        )
    assert not Photo.objects.exclude(excluded_at=None).exists()
