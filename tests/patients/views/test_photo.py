"""One photo: its page, its card, and every button."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inference.dispatch import current_model_version
from inference.models import Prediction
from patients.consent.erasure import erase_picture
from patients.models import Photo, User, Visit
from tests.factories import make_photo, make_prediction, picture, probabilities_of
from tests.patients.views.test_visit import FACES
from tests.queries import OF_THE_ACCESS_LOG

State = Prediction.State
HTMX = {"HX-Request": "true"}


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo that was read."""
    photo = make_photo(visit, original_name="IMG_1.jpg")
    make_prediction(photo, probabilities=probabilities_of(happy=0.71, surprise=0.1))
    return photo


def test_the_page_says_what_ten_raters_would(browser: Client, photo: Photo) -> None:
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "About 7 of 10 raters would call this face happy" in page
    assert "Of ten raters: 7 happy, 2 neutral, 1 surprise" in page
    assert "Model 1.0.0, analysed" in page


def test_the_page_takes_a_fixed_number_of_queries(
    browser: Client, photo: Photo, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.get(f"/photos/{photo.pk}/")  # remembers the look: later ones renew it
    # session, user, photo with what the banner says, predictions, own labels, the last view, order, agreement
    with django_assert_num_queries(8 + OF_THE_ACCESS_LOG):
        browser.get(f"/photos/{photo.pk}/")


def test_the_bytes_of_the_input_are_not_read_for_a_page(browser: Client, photo: Photo) -> None:
    card = browser.get(f"/photos/{photo.pk}/").context["card"]
    assert "input_png" in card.prediction.get_deferred_fields()


def test_photos_are_turned_in_the_order_in_which_they_came(browser: Client, visit: Visit) -> None:
    first, second, third = (make_photo(visit) for _ in range(3))
    page = browser.get(f"/photos/{second.pk}/")
    assert (page.context["previous_id"], page.context["next_id"]) == (first.pk, third.pk)
    assert "Photo 2 of 3" in page.content.decode()


def test_an_excluded_photo_is_left_out_and_can_come_back(browser: Client, photo: Photo) -> None:
    answer = browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "Eyes closed.", "next": f"/photos/{photo.pk}/"})
    assert answer.headers["Location"] == f"/photos/{photo.pk}/"
    photo.refresh_from_db()
    assert (photo.is_used, photo.excluded_reason) == (False, "Eyes closed.")
    browser.post(f"/photos/{photo.pk}/include/")
    assert Photo.objects.get(pk=photo.pk).is_used


def test_an_exclusion_is_taken_back_where_it_is_told(browser: Client, photo: Photo) -> None:
    page = browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "", "next": f"/photos/{photo.pk}/"}, follow=True)
    text = " ".join(page.content.decode().split())
    assert "Photo excluded." in text
    assert f'class="push" method="post" action="/photos/{photo.pk}/include/"' in text


def test_a_reason_that_is_too_long_changes_nothing(browser: Client, photo: Photo) -> None:
    page = browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "x" * 201}, follow=True)
    assert "A reason can have at most 200 characters." in page.content.decode()
    assert Photo.objects.get(pk=photo.pk).is_used


def test_a_form_never_leads_to_another_host(browser: Client, photo: Photo) -> None:
    answer = browser.post(f"/photos/{photo.pk}/include/", {"next": "https://elsewhere.test/"})
    assert answer.headers["Location"] == f"/visits/{photo.visit_id}/"


def test_a_chosen_face_is_read(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    prediction = make_prediction(photo, state=State.CHOOSE_FACE, faces=FACES, model_version=current_model_version())
    browser.post(f"/photos/{photo.pk}/choose-face/", {"face": "1"})
    prediction.refresh_from_db()
    assert prediction.state == State.QUEUED
    assert prediction.wanted_box == FACES[1]["box"]


@pytest.mark.parametrize("face", ["", "2", "-1", "one", "²"])
def test_a_face_that_is_not_there_is_not_read(browser: Client, visit: Visit, face: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=State.CHOOSE_FACE, faces=FACES)
    page = browser.post(f"/photos/{photo.pk}/choose-face/", {"face": face}, follow=True)
    assert "Choose one of the numbered faces first." in page.content.decode()
    assert photo.predictions.get().state == State.CHOOSE_FACE


def test_faces_are_numbered_from_the_left(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=State.CHOOSE_FACE, faces=FACES)
    card = browser.get(f"/photos/{photo.pk}/card/").context["card"]
    assert [(face.number, face.index) for face in card.faces] == [(1, 1), (2, 0)]


@pytest.mark.parametrize("state", [State.NO_FACE, State.REJECTED, State.FAILED, State.DONE])
def test_a_photo_is_read_again(browser: Client, visit: Visit, state: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=state, model_version=current_model_version())
    card = browser.post(f"/photos/{photo.pk}/retry/", headers=HTMX).content.decode()
    assert "Waiting" in card
    assert photo.predictions.get().state == State.QUEUED


def test_a_dismissed_failure_stays_and_no_longer_asks(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=State.NO_FACE)
    browser.post(f"/photos/{photo.pk}/dismiss/", headers=HTMX)
    page = browser.get(f"/visits/{visit.pk}/")
    assert page.context["counts"]["needs_you"] == 0
    assert page.context["total"] == 1


def test_an_erased_photo_is_gone_with_its_readings(browser: Client, photo: Photo) -> None:
    answer = browser.post(f"/photos/{photo.pk}/delete/")
    assert answer.headers["Location"] == f"/visits/{photo.visit_id}/"
    assert not Photo.objects.exists()
    assert not Prediction.objects.exists()


def test_a_final_card_tells_the_summary_to_renew_itself(browser: Client, photo: Photo, visit: Visit) -> None:
    waiting = make_photo(visit)
    make_prediction(waiting, state=State.QUEUED)
    assert "photos-changed" in browser.get(f"/photos/{photo.pk}/card/").headers["HX-Trigger"]
    assert "HX-Trigger" not in browser.get(f"/photos/{waiting.pk}/card/").headers
    unchanged, moved_up, done = (
        browser.get(f"/photos/{which.pk}/{part}/", {"state": was}, headers=HTMX).status_code
        for which, part, was in ((waiting, "card", "waiting"), (waiting, "card", "reading"), (photo, "card", "read"))
    )
    assert (unchanged, moved_up, done) == (204, 200, 200)  # what is not replaced is not read out again


@pytest.mark.parametrize(
    ("name", "kind"), [("image", "image/jpeg"), ("preview", "image/jpeg"), ("input", "image/png"), ("face/0", "image/jpeg")]
)
def test_pixels_are_drawn_and_neither_kept_nor_run(browser: Client, photo: Photo, name: str, kind: str) -> None:
    answer = browser.get(f"/photos/{photo.pk}/{name}/")
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_there_is_no_input_before_a_reading_and_no_face_beyond_the_last(browser: Client, visit: Visit, photo: Photo) -> None:
    bare = make_photo(visit)
    assert browser.get(f"/photos/{bare.pk}/input/").status_code == 404
    assert browser.get(f"/photos/{photo.pk}/face/1/").status_code == 404


def test_times_are_told_in_the_clinicians_zone(browser: Client, photo: Photo, settings: LazySettings) -> None:
    user = photo.uploaded_by
    user.time_zone = "Pacific/Auckland"
    user.save()
    photo.uploaded_at = photo.uploaded_at.replace(year=2026, month=11, day=20, hour=9, minute=44)
    photo.save()
    assert "20 Nov 2026, 22:44" in browser.get(f"/photos/{photo.pk}/").content.decode()


def test_the_cameras_clock_is_told_as_it_was_whatever_zone_the_reader_is_in(browser: Client, visit: Visit, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="Pacific/Auckland")
    photo = make_photo(visit, taken_at=datetime(2026, 11, 20, 20, 30, tzinfo=UTC))  # the next day in Auckland
    assert '<span class="photo__time">20:30</span>' in browser.get(f"/photos/{photo.pk}/card/").content.decode()
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "taken 20:30" in page
    assert "20 Nov 2026, 20:30" in page


def test_the_clock_of_the_upload_is_not_said_to_be_that_of_the_photo(browser: Client, visit: Visit) -> None:
    added = datetime(2026, 11, 25, 17, 46, tzinfo=UTC)
    silent = make_photo(visit, uploaded_at=added)
    dated = make_photo(visit, uploaded_at=added, taken_at=datetime(2026, 11, 20, 9, 44, tzinfo=UTC))
    pages = [browser.get(f"/photos/{photo.pk}/card/").content.decode() for photo in (silent, dated)]
    assert 'aria-label="Photo, added 25 Nov, 17:46"' in pages[0]
    assert '<span class="photo__time">added 25 Nov, 17:46</span>' in pages[0]
    assert '<span class="photo__time">09:44</span>' in pages[1]
    assert " of 2, added 25 Nov, 17:46</h1>" in browser.get(f"/photos/{silent.pk}/").content.decode()


def test_what_moved_the_score_is_shown_on_request(browser: Client, photo: Photo, settings: LazySettings) -> None:
    Prediction.objects.update(model_version=current_model_version())
    page = f"/photos/{photo.pk}/"
    assert "Show which areas mattered" in browser.get(page).content.decode()
    assert browser.get(f"{page}map/").status_code == 404
    answer = browser.post(f"{page}explain/")
    assert answer.headers["Location"] == f"{page}#explanation"
    waiting = browser.get(page).content.decode()
    assert "Drawing the map." in waiting
    assert f'hx-get="{page}explanation/?state=waiting"' in waiting
    assert "Drawing the map." in browser.post(f"{page}explain/", headers=HTMX).content.decode()
    photo.predictions.get().record_explanation(picture(192, 192, "teal", "PNG"), 0.123)
    shown = browser.get(f"{page}explanation/", headers=HTMX).content.decode()
    assert "Covering the darker areas lowers it, by about 12 points at most" in shown
    assert "hx-get" not in shown
    assert browser.get(f"{page}map/").headers["Cache-Control"] == "no-store"


def test_a_map_that_has_not_come_says_so(browser: Client, photo: Photo) -> None:
    Prediction.objects.update(explanation_requested_at=timezone.now() - timedelta(minutes=2), model_version=current_model_version())
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "The map took too long" in page
    assert "Try again" in page


def test_a_map_by_another_model_is_refused_with_the_way_out(browser: Client, photo: Photo) -> None:
    shown = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "Show which areas mattered" not in shown
    assert "Re-analyse the photo first." in shown
    answer = browser.post(f"/photos/{photo.pk}/explain/", headers=HTMX).content.decode()
    assert "Show which areas mattered" not in answer
    assert "Re-analyse the photo first." in answer
    assert photo.predictions.get().explanation_requested_at is None


def test_a_note_is_kept_with_and_without_a_script(browser: Client, photo: Photo) -> None:
    address = f"/photos/{photo.pk}/note/"
    assert browser.post(address, {"note": "Tired eyes."}, headers=HTMX).content.decode().strip().startswith("Saved ")
    assert "Tired eyes." in browser.get(f"/photos/{photo.pk}/").content.decode()
    assert browser.post(address, {"note": "Rested."}).headers["Location"] == f"/photos/{photo.pk}/"
    assert Photo.objects.get(pk=photo.pk).note == "Rested."
    assert "has a note" in browser.get(f"/photos/{photo.pk}/card/").content.decode()


def test_a_photo_on_the_way_asks_until_it_is_read(browser: Client, photo: Photo, visit: Visit) -> None:
    waiting = make_photo(visit)
    make_prediction(waiting, state=State.QUEUED)
    assert f'hx-get="/photos/{waiting.pk}/reading/?state=waiting"' in browser.get(f"/photos/{waiting.pk}/").content.decode()
    assert "Waiting" in browser.get(f"/photos/{waiting.pk}/reading/", headers=HTMX).content.decode()
    assert browser.get(f"/photos/{photo.pk}/reading/", headers=HTMX).headers["HX-Refresh"] == "true"


def test_who_excluded_a_photo_is_said(browser: Client, photo: Photo, bo: User) -> None:
    browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "Speaking."})
    assert "Excluded by you" in browser.get(f"/photos/{photo.pk}/card/").content.decode()
    photo.exclude("Speaking.", by=bo)
    assert "Excluded by Dr Bo Lindqvist" in browser.get(f"/photos/{photo.pk}/card/").content.decode()


def test_ten_raters_are_those_who_name_one_of_the_seven(browser: Client, photo: Photo) -> None:
    """Of all ten it is less: the model learned from the answers that name an expression."""
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert "ten people who name one of the seven expressions" in page
    assert "people shown this face" not in page


def test_a_refusal_by_an_older_model_is_not_said_to_be_a_reading(browser: Client, visit: Visit) -> None:
    refused = make_photo(visit)
    make_prediction(refused, state=State.REJECTED, reason="too_dark")
    assert "Read by model" not in browser.get(f"/photos/{refused.pk}/").content.decode()


def test_an_older_reading_offers_the_current_model_and_stays_on_the_page(browser: Client, photo: Photo) -> None:
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    assert f"Re-analyse with model {current_model_version()}" in page
    make_prediction(photo, probabilities=probabilities_of(sad=0.9), model_version=current_model_version())
    page = " ".join(browser.get(f"/photos/{photo.pk}/").content.decode().split())
    assert "Re-analyse with model" not in page
    assert "About 9 of 10 raters would call this face sad" in page
    assert "Earlier results" in page
    assert "7 happy, 2 neutral, 1 surprise" in page


PIXELS = ("/image/", "/preview/", "/input/", "/face/", "/map/")


def test_an_erased_picture_is_reported_and_never_requested(browser: Client, photo: Photo) -> None:
    Prediction.objects.update(quality=[{"name": "light", "measured": 90, "limit": 40, "passed": True, "reason": "too_dark"}])
    erase_picture(photo)
    for path in (f"/photos/{photo.pk}/", f"/photos/{photo.pk}/card/", f"/visits/{photo.visit_id}/"):
        page = browser.get(path).content.decode()
        assert "The picture was erased. The results are kept." in page
        assert "of 10 raters" in page
        assert not [name for name in PIXELS if f"/photos/{photo.pk}{name}" in page]
    page = browser.get(f"/photos/{photo.pk}/").content.decode()
    for words in (
        "one face found",
        "Exactly these pixels",
        "Good enough",
        "Re-analyse with model",
        "Show which",
        "not recorded",
    ):
        assert words not in page
    assert "Save label" in page
    moving = browser.get(f"/visits/{photo.visit_id}/move-photos/").content.decode()
    assert "/preview/" not in moving


@pytest.mark.parametrize(("state", "reason"), [(State.CHOOSE_FACE, ""), (State.REJECTED, "too_dark"), (State.QUEUED, "")])
def test_a_picture_erased_unread_asks_for_nothing(browser: Client, visit: Visit, state: str, reason: str) -> None:
    unread = make_photo(visit)
    make_prediction(unread, state=state, reason=reason, faces=FACES)
    erase_picture(unread)
    page = browser.get(f"/visits/{visit.pk}/")
    text = page.content.decode()
    assert "The picture was erased before it was analysed." in text
    assert (page.context["counts"]["needs_you"], page.context["counts"]["on_the_way"]) == (0, 0)
    for words in ("/retry/", "/choose-face/", "waits for a face", "again consume"):
        assert words not in text
    assert "This photo was not analysed." in browser.get(f"/photos/{unread.pk}/").content.decode()
    assert browser.get("/patients/").context["counts"]["needs_you"] == 0


def test_what_cannot_be_read_again_says_why(browser: Client, photo: Photo, visit: Visit) -> None:
    def page_after(path: str = "retry", **fields: str) -> str:
        return browser.post(f"/photos/{photo.pk}/{path}/", fields, follow=True).content.decode()

    Prediction.objects.update(model_version=current_model_version(), state=State.QUEUED)
    assert "The photo is already being analysed." in page_after()
    Prediction.objects.update(state=State.DONE)
    visit.patient.consents.get().end(photo.uploaded_by)
    assert "Without consent to care" in page_after()
    assert "Without consent to care" in page_after("explain")
    erase_picture(photo)
    for path in ("retry", "choose-face", "explain"):
        text = page_after(path, face="0")
        assert "The picture was erased and can no longer be analysed." in text
        assert "Re-analyse the photo first." not in text


def test_a_card_says_why_nothing_was_done(browser: Client, photo: Photo, visit: Visit) -> None:
    def page_after(path: str, **fields: str) -> str:
        return browser.post(f"/photos/{photo.pk}/{path}/", fields, headers={"HX-Request": "true"}).content.decode()

    assert "Choose one of the numbered faces first." in page_after("choose-face", face="7")
    Prediction.objects.update(model_version=current_model_version(), state=State.DONE)
    visit.patient.consents.get().end(photo.uploaded_by)
    assert "Without consent to care, the photo is not analysed." in page_after("retry")
    assert "No map: consent to care is missing." in page_after("explain")
    assert "consented" not in browser.get("/patients/").content.decode()  # it was said where it belongs


def test_an_erased_photo_is_still_left_out_and_counted_again(browser: Client, photo: Photo) -> None:
    erase_picture(photo)
    browser.post(f"/photos/{photo.pk}/exclude/", {"reason": "Eyes closed."}, headers=HTMX)
    assert "Eyes closed." in browser.get(f"/photos/{photo.pk}/card/").content.decode()
    browser.post(f"/photos/{photo.pk}/include/", headers=HTMX)
    assert Photo.objects.get(pk=photo.pk).is_used


def test_card_tells_the_minutes_until_a_waiting_photo_is_read(browser: Client, visit: Visit) -> None:
    now = timezone.now()
    make_prediction(make_photo(visit), started_at=now - timedelta(seconds=50), finished_at=now)
    photos = [make_photo(visit) for _ in range(3)]
    for photo in photos:
        make_prediction(photo, "queued")
    address = f"/photos/{photos[2].pk}/card/?state=waiting"
    card = browser.get(address).content.decode()
    assert "About 2 minutes until it is analysed." in card  # three times fifty seconds
    assert f"{address}&amp;minutes=2" in card
    assert browser.get(f"{address}&minutes=2").status_code == 204
    assert "About 1 minute until it is analysed." in browser.get(f"/photos/{photos[0].pk}/card/?state=waiting").content.decode()
