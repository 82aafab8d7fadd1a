"""The visit page: photos in every state, what they say together, the note."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inference.models import Prediction
from patients.models import Photo, Visit
from patients.timeline.summaries import refresh
from tests.factories import make_photo, make_prediction, make_read_visits, make_visit, probabilities_of
from tests.queries import OF_A_TEST, OF_THE_ACCESS_LOG

State = Prediction.State
FACES = [
    {"box": {"left": 40, "top": 6, "width": 12, "height": 14}, "detector_score": 0.9, "roll_degrees": 0.0},
    {"box": {"left": 5, "top": 6, "width": 12, "height": 14}, "detector_score": 0.9, "roll_degrees": 0.0},
]


def test_the_number_of_queries_does_not_grow_with_the_photos(
    browser: Client, visit: Visit, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh([visit.patient_id])  # a new patient is computed as a whole
    browser.get(f"/visits/{visit.pk}/")  # remembers the look: later ones renew it
    for _ in range(2):
        make_read_visits(visit.patient, days=2, photos_each=1)
        for state in State.values:
            make_prediction(make_photo(visit), state=state)
        # session, user, visit with what the banner says, photos, predictions, own labels, visits, the last view;
        # because some wait, how long the last photos took (one more when there are such)
        with django_assert_num_queries(9 + OF_A_TEST + OF_THE_ACCESS_LOG):
            browser.get(f"/visits/{visit.pk}/")


def test_a_visit_is_set_beside_the_one_before(browser: Client, visit: Visit) -> None:
    first, second = make_read_visits(visit.patient, days=2)
    assert 'id="last-time"' not in browser.get(f"/visits/{first.pk}/").content.decode()
    page = browser.get(f"/visits/{second.pk}/state/").content.decode()
    assert "The same as on 5 Jan 2026" in page
    assert f"/patients/{visit.patient.pk}/compare/?a={first.pk}&amp;b={second.pk}" in page
    assert ">Compare the two<" in page


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        (State.QUEUED, {}, "Waiting"),
        (State.RUNNING, {}, "Being analysed"),
        (State.DONE, {}, "About 6 of 10 raters: happy"),
        (State.DONE, {"abstained": True}, "Too close to call"),
        (State.NO_FACE, {}, "Not used: no face found"),
        (State.CHOOSE_FACE, {"faces": FACES}, "Two faces. Which one is Ines Moreau?"),
        (State.REJECTED, {"reason": "too_small"}, "Not used: face too small"),
        (State.FAILED, {"reason": "timed_out"}, "Not used: analysis took too long"),
        (State.FAILED, {"reason": "not_written_down"}, "Not used: could not be analysed"),
    ],
)
def test_a_card_says_how_it_stands(browser: Client, visit: Visit, state: str, fields: dict[str, Any], words: str) -> None:
    make_prediction(make_photo(visit), state=state, **fields)
    assert words in browser.get(f"/visits/{visit.pk}/").content.decode()


def test_a_refused_card_names_what_was_measured(browser: Client, visit: Visit) -> None:
    check = {"name": "face height in pixels", "measured": 31.0, "limit": 48.0, "passed": False, "reason": "too_small"}
    make_prediction(make_photo(visit), state=State.REJECTED, reason="too_small", quality=[check])
    assert "Face height 31 px (48 px needed). Move closer" in browser.get(f"/visits/{visit.pk}/").content.decode()


def test_an_excluded_card_quotes_the_reason(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    photo.exclude("Speaking & laughing.")
    assert "“Speaking &amp; laughing.” Not counted." in browser.get(f"/visits/{visit.pk}/").content.decode()


@pytest.mark.parametrize("state", State.values)
def test_only_a_card_that_will_change_by_itself_asks_again(browser: Client, visit: Visit, state: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=state)
    page = browser.get(f"/visits/{visit.pk}/").content.decode()
    asks = f'hx-get="/photos/{photo.pk}/card/?state=' in page
    assert asks == (state in Prediction.UNFINISHED)


def test_cards_stand_in_one_order_whatever_is_read_meanwhile(browser: Client, visit: Visit) -> None:
    now = timezone.now()
    states = [State.DONE, State.QUEUED, State.RUNNING, State.REJECTED, State.CHOOSE_FACE]
    for minutes, state in enumerate(states):
        make_prediction(make_photo(visit, taken_at=now - timedelta(minutes=minutes)), state=state)
    make_photo(visit).exclude("Blurred")
    page = browser.get(f"/visits/{visit.pk}/")
    assert [str(card.kind) for card in page.context["cards"]] == ["choose", "read", "waiting", "reading", "excluded"]
    assert [str(card.kind) for card in page.context["unusable"].cards] == ["refused"]
    assert "in line" not in page.content.decode()


def test_a_script_learns_the_order_once_every_photo_is_final(browser: Client, visit: Visit) -> None:
    address = f"/visits/{visit.pk}/state/"
    usable, refused = make_photo(visit), make_photo(visit)
    make_prediction(refused, state=State.NO_FACE)
    waiting = make_prediction(usable, state=State.RUNNING)
    assert "card-order" not in browser.get(address).content.decode()
    waiting.fail("timed_out")
    Prediction.objects.filter(pk=waiting.pk).update(**probabilities_of(happy=0.6), state=State.DONE)
    part = browser.get(address).content.decode()
    assert f'data-photos="{usable.pk} "' in part
    assert f'data-unusable="{refused.pk} "' in part


def test_unusable_photos_are_counted_by_reason_in_one_strip(browser: Client, visit: Visit) -> None:
    for reason in ("too_blurred", "too_dark", "too_blurred"):
        make_prediction(make_photo(visit), state=State.REJECTED, reason=reason)
    make_prediction(make_photo(visit))
    page = browser.get(f"/visits/{visit.pk}/").content.decode()
    assert "<h3>3 unusable photos</h3>" in page
    assert "Too blurred (2) · too dark (1)." in page
    assert "Dismiss all unusable (3)" in page
    assert 'id="unusable"' not in page.split('id="photos"')[0]
    assert page.index('id="photos"') < page.index('id="unusable"')
    assert browser.get(f"/visits/{visit.pk}/", {"show": "used"}).context["unusable"].cards == []


@pytest.mark.parametrize(
    ("show", "kinds"),
    [
        ("", {"choose", "refused", "reading", "waiting", "read", "close"}),
        ("used", {"read"}),
        ("needs-you", {"choose", "refused"}),
        ("on-the-way", {"reading", "waiting"}),
        ("unknown", {"choose", "refused", "reading", "waiting", "read", "close"}),
    ],
)
def test_a_filter_shows_its_cards(browser: Client, visit: Visit, show: str, kinds: set[str]) -> None:
    for state in State.values:
        make_prediction(make_photo(visit), state=state)
    make_prediction(make_photo(visit), abstained=True)
    page = browser.get(f"/visits/{visit.pk}/", {"show": show})
    assert {str(card.kind) for card in [*page.context["cards"], *page.context["unusable"].cards]} == kinds


def test_the_summary_counts_only_photos_that_count(browser: Client, visit: Visit) -> None:
    for _ in range(3):
        make_prediction(make_photo(visit), probabilities=probabilities_of(happy=0.6))
    make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.9), abstained=True)
    left_out = make_photo(visit)
    make_prediction(left_out, probabilities=probabilities_of(sad=0.9))
    left_out.exclude("Speaking")
    page = browser.get(f"/visits/{visit.pk}/")
    assert page.context["summary"].point.valence == pytest.approx(0.6)
    assert "3 of 5 photos" in page.content.decode()


def test_a_visit_without_photos_says_what_to_do(browser: Client, visit: Visit) -> None:
    page = browser.get(f"/visits/{visit.pk}/").content.decode()
    assert "Three or more give an interval." in page
    assert "No photo of this visit counts yet." in page


def test_visits_before_and_after_are_one_step_away(browser: Client, visit: Visit) -> None:
    before = make_visit(visit.patient, date(2026, 10, 20))
    after = make_visit(visit.patient, date(2026, 11, 21))
    page = browser.get(f"/visits/{visit.pk}/")
    assert (page.context["previous"], page.context["next"]) == (before, after)
    assert "visit 2" in page.content.decode()


def test_the_state_comes_with_the_counts_of_the_filters(browser: Client, visit: Visit) -> None:
    make_prediction(make_photo(visit))
    page = browser.get(f"/visits/{visit.pk}/state/").content.decode()
    assert "0.60" in page
    assert 'hx-swap-oob="true"' in page
    assert "<html" not in page


def test_a_screen_reader_hears_the_outcome_of_the_photos_once(browser: Client, visit: Visit) -> None:
    address, said = f"/visits/{visit.pk}/state/", "innerHTML:#photos-said"
    assert '<p class="hide" id="photos-said" role="status"></p>' in browser.get(f"/visits/{visit.pk}/").content.decode()
    assert said not in browser.get(address).content.decode()
    make_prediction(make_photo(visit))
    make_prediction(make_photo(visit), abstained=True)
    make_prediction(make_photo(visit), state=State.NO_FACE)
    last = make_prediction(make_photo(visit), state=State.RUNNING)
    assert said not in browser.get(address).content.decode()  # not while the next is on its way
    last.fail("timed_out")
    assert f'<span hx-swap-oob="{said}">2 analysed, 2 need review</span>' in browser.get(address).content.decode()


def test_a_note_is_kept_with_and_without_a_script(browser: Client, visit: Visit) -> None:
    address = f"/visits/{visit.pk}/note/"
    said = browser.post(address, {"note": "Sleeps badly."}, headers={"HX-Request": "true"})
    assert said.content.decode().strip().startswith("Saved ")
    visit.refresh_from_db()
    assert visit.note == "Sleeps badly."
    assert browser.post(address, {"note": "Sleeps better."}).headers["Location"] == f"/visits/{visit.pk}/"
    visit.refresh_from_db()
    assert visit.note == "Sleeps better."


def loaded(page: Any) -> str:
    """Return what the form says of the note that it was loaded with."""
    return str(re.findall(r'name="initial-note"\s+value="(\w+)"', page.content.decode())[0])


@pytest.mark.parametrize("of", ["visit", "photo"])
def test_an_older_page_does_not_overwrite_a_newer_note(browser: Client, visit: Visit, of: str) -> None:
    row: Visit | Photo = visit if of == "visit" else make_photo(visit)
    path, htmx = f"/{of}s/{row.pk}/", {"HX-Request": "true"}
    older = newer = loaded(browser.get(path))
    for note in ("Sleeps\r\nbadly.", "Sleeps better."):  # each answer carries what the next is saved over
        answer = browser.post(f"{path}note/", {"note": note, "initial-note": newer}, headers=htmx)
        assert answer.status_code == 200
        newer = loaded(answer)
    refused = browser.post(f"{path}note/", {"note": "Eats well.", "initial-note": older}, headers=htmx)
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "text/plain; charset=utf-8")
    assert "Someone else changed this meanwhile." in refused.content.decode()
    plain = browser.post(f"{path}note/", {"note": "Eats well.", "initial-note": older})
    assert plain.status_code == 409
    assert "Someone else changed this meanwhile. Copy your text" in plain.content.decode()
    assert "Eats well.</textarea>" in plain.content.decode()
    row.refresh_from_db()
    assert row.note == "Sleeps better."
    lost = {
        "note": "Sleeps better. Eats well.",
        "initial-note": older,
        "sent-note": "Sleeps better.",
    }  # the answer to the last was lost
    assert browser.post(f"{path}note/", lost, headers=htmx).status_code == 200
    row.refresh_from_db()
    assert row.note == "Sleeps better. Eats well."
    dropped = {
        "note": "Rested.",
        "initial-note": older,
        "sent-note": [row.note, "never arrived"],
    }  # one answer was lost, then the network
    assert browser.post(f"{path}note/", dropped, headers=htmx).status_code == 200
    row.refresh_from_db()
    assert row.note == "Rested."
    many = {
        "note": "Tired.",
        "initial-note": older,
        "sent-note": ["never arrived"] * 8 + [row.note],
    }  # no page of ours sends so many
    assert browser.post(f"{path}note/", many, headers=htmx).status_code == 409


def test_a_corrected_day_does_not_take_back_a_newer_note(browser: Client, visit: Visit) -> None:
    address = f"/visits/{visit.pk}/edit/"
    older = loaded(browser.get(address))
    browser.post(f"/visits/{visit.pk}/note/", {"note": "Sleeps badly."})
    assert browser.post(address, {"date": "2026-11-18", "note": "", "initial-note": older}).status_code == 302
    page = browser.post(address, {"date": "2026-11-17", "note": "Eats well.", "initial-note": older})
    assert "Someone else changed this meanwhile." in page.content.decode()
    assert "Eats well.</textarea>" in page.content.decode()
    visit.refresh_from_db()
    assert (visit.date, visit.note) == (date(2026, 11, 18), "Sleeps badly.")
    assert (
        browser.post(address, {"date": "2099-01-01", "note": "Eats well.", "initial-note": older}).context["form"].loaded["note"]
        == older
    )


def test_a_changed_note_does_not_take_back_a_corrected_day(browser: Client, visit: Visit) -> None:
    address = f"/visits/{visit.pk}/edit/"
    page = browser.get(address)
    older = {"initial-note": loaded(page), "initial-date": "2026-11-20"}
    assert re.search(r'name="initial-date"\s+value="2026-11-20"', page.content.decode())
    Visit.objects.update(date=date(2026, 11, 19))
    browser.post(address, {"date": "2026-11-20", "note": "Eats well."} | older)
    visit.refresh_from_db()
    assert (visit.date, visit.note) == (date(2026, 11, 19), "Eats well.")
    page = browser.post(address, {"date": "2099-01-01", "note": "Eats well."} | older)
    assert re.search(r'name="initial-date"\s+value="2026-11-20"', page.content.decode())
    browser.post(address, {"date": "2026-11-18", "note": "Eats well."} | older)
    visit.refresh_from_db()
    assert visit.date == date(2026, 11, 18)


def test_the_day_of_a_visit_can_be_corrected(browser: Client, visit: Visit) -> None:
    browser.post(f"/visits/{visit.pk}/edit/", {"date": "2026-11-18", "note": ""})
    visit.refresh_from_db()
    assert visit.date == date(2026, 11, 18)


def test_a_photo_added_meanwhile_is_on_the_page_after_a_reload(browser: Client, visit: Visit) -> None:
    assert browser.get(f"/visits/{visit.pk}/").context["total"] == 0
    photo = make_photo(visit)
    page = browser.get(f"/visits/{visit.pk}/")
    assert f'id="photo-{photo.pk}"' in page.content.decode()
    assert Photo.objects.count() == page.context["total"] == 1
