"""My patients."""

from datetime import date, timedelta

import pytest
from django.db.models import F, TextField
from django.db.models.functions import Cast
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from encryption.watch import broken
from inference.models import Prediction
from patients.models import LastViewed, Patient, Photo, Team, User, Visit, formats
from patients.models.formats import clinic_today
from patients.timeline.summaries import outdated_patients, refresh
from tests.factories import make_patient, make_photo, make_prediction, make_read_visits, make_visit, probabilities_of

State = Prediction.State


def names(page: object) -> list[str]:
    """Return the patients that a page lists, in its order."""
    context = page.context  # type: ignore[attr-defined]  # the test client's response
    return [row.patient.name for row in [*context["new"], *context["others"]]]


def test_only_own_patients_are_listed(browser: Client, ines: Patient, bo: User) -> None:
    make_patient(bo, name="Tom Berg")
    page = browser.get("/patients/")
    assert names(page) == ["Ines Moreau"]
    assert "Tom Berg" not in page.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_caseload(
    browser: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        make_read_visits(make_patient(ada, name=f"Patient {number}"), days=2)
    refresh(outdated_patients())  # as the list does first, and a worker all the time
    browser.get("/patients/")  # decrypts the names that are new
    # session, user, teams, totals, who is shown, their rows and visits, last viewed, earlier entries about these
    # patients. The access log has entries of all of them.
    with django_assert_num_queries(9):
        browser.get("/patients/")
    for number in range(3, 7):
        make_read_visits(make_patient(ada, name=f"Patient {number}"), days=5)
    refresh(outdated_patients())
    browser.get("/patients/")
    with django_assert_num_queries(9):
        browser.get("/patients/")


def test_a_later_visit_without_photos_is_told(browser: Client, ines: Patient) -> None:
    make_read_visits(ines, days=2)
    assert ": no photos" not in browser.get("/patients/").content.decode()
    make_visit(ines, clinic_today())
    assert f"{formats.day(clinic_today())}: no photos" in browser.get("/patients/").content.decode()


def test_search_finds_name_and_record_number_in_any_case(browser: Client, ada: User, ines: Patient) -> None:
    other = make_patient(ada, name="Zoë Çelik")
    assert names(browser.get("/patients/", {"q": "çelik"})) == ["Zoë Çelik"]
    assert names(browser.get("/patients/", {"q": other.record_number.lower()})) == ["Zoë Çelik"]
    assert names(browser.get("/patients/", {"q": "moreau ines"})) == ["Ines Moreau"]


def test_a_search_without_result_says_what_was_asked(browser: Client, ines: Patient) -> None:
    page = browser.get("/patients/", {"q": "<b>stranger"}).content.decode()
    assert "No name or record number contains “&lt;b&gt;stranger”." in page


def test_typing_gets_the_table_alone(browser: Client, ines: Patient) -> None:
    page = browser.get("/patients/", {"q": "ines"}, headers={"HX-Request": "true"}).content.decode()
    assert 'id="caseload"' in page
    assert "<html" not in page


def test_a_patient_with_a_newer_reading_is_new_until_opened(browser: Client, ada: User, visit: Visit) -> None:
    make_prediction(make_photo(visit))
    assert [row.is_new for row in browser.get("/patients/").context["new"]] == [True]
    browser.get(f"/patients/{visit.patient_id}/")
    page = browser.get("/patients/")
    assert page.context["new"] == []
    assert [patient.name for patient in page.context["recent"]] == ["Ines Moreau"]


@pytest.mark.parametrize("page", ["/visits/{visit}/", "/visits/{visit}/state/", "/photos/{photo}/"])
def test_what_was_seen_on_its_own_page_is_not_new(browser: Client, visit: Visit, page: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    for _ in range(2):
        browser.get(page.format(visit=visit.pk, photo=photo.pk))
        assert browser.get("/patients/").context["new"] == []
        photo.predictions.update(finished_at=timezone.now())  # and once more, within the same second
        assert len(browser.get("/patients/").context["new"]) == 1


@pytest.mark.parametrize(
    ("state", "reason", "is_new"),
    [
        (State.CHOOSE_FACE, "", True),
        (State.FAILED, "timed_out", True),
        (State.REJECTED, "too_dark", True),
        (State.REJECTED, "no_consent", False),
        (State.REJECTED, "photo_erased", False),
        (State.QUEUED, "", False),
    ],
)
def test_only_results_and_requests_for_attention_are_new(
    browser: Client, visit: Visit, state: str, reason: str, is_new: bool
) -> None:
    make_prediction(make_photo(visit), state=state, reason=reason, finished_at=timezone.now())
    assert [row.is_new for row in browser.get("/patients/").context["new"]] == [True] * is_new


def test_new_patients_come_first_then_the_latest_visit(browser: Client, ada: User) -> None:
    for name, day in (("Early", date(2026, 3, 1)), ("Late", date(2026, 9, 1)), ("New", date(2026, 1, 1))):
        make_prediction(make_photo(make_visit(make_patient(ada, name=name), day)))
    make_patient(ada, name="Bare")
    later = timezone.now() + timedelta(minutes=1)
    for patient in ada.patients.all():
        if patient.name != "New":
            LastViewed.objects.create(patient=patient, clinician=ada, viewed_at=later)
    assert names(browser.get("/patients/")) == ["New", "Late", "Early", "Bare"]


@pytest.mark.parametrize(
    ("state", "flag", "show"),
    [
        (State.CHOOSE_FACE, "1 face to choose", "needs-you"),
        (State.NO_FACE, "1 unusable", "needs-you"),
        (State.REJECTED, "1 unusable", "needs-you"),
        (State.FAILED, "1 unusable", "needs-you"),
        (State.QUEUED, "1 processing", "waiting"),
        (State.RUNNING, "1 processing", "waiting"),
    ],
)
def test_a_photo_that_needs_attention_is_flagged(browser: Client, visit: Visit, state: str, flag: str, show: str) -> None:
    make_prediction(make_photo(visit), state=state)
    assert flag in browser.get("/patients/").content.decode()
    assert names(browser.get("/patients/", {"show": show})) == ["Ines Moreau"]
    other = {"needs-you": "waiting", "waiting": "needs-you"}[show]
    assert names(browser.get("/patients/", {"show": other})) == []


@pytest.mark.parametrize("put_aside", [Photo.dismiss, lambda photo: photo.exclude("Blurred")])
def test_a_dismissed_photo_is_not_flagged(browser: Client, visit: Visit, put_aside: object) -> None:
    photo = make_photo(visit)
    make_prediction(photo, state=State.NO_FACE)
    put_aside(photo)  # type: ignore[operator]  # one of two ways
    assert browser.get("/patients/").context["counts"]["needs_you"] == 0


def test_an_older_model_version_does_not_flag_a_photo(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    old = timezone.now() - timedelta(days=9)
    make_prediction(photo, state=State.NO_FACE, model_version="0.9.0", requested_at=old)
    make_prediction(photo, model_version="1.0.0")
    assert browser.get("/patients/").context["counts"]["needs_you"] == 0


def test_a_newer_refusal_flags_a_photo_that_an_older_model_had_read(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, model_version="0.9.0", requested_at=timezone.now() - timedelta(days=9))
    make_prediction(photo, state=State.NO_FACE, model_version="1.0.0")
    assert browser.get("/patients/").context["counts"]["needs_you"] == 1


def test_a_negative_index_has_a_true_minus_sign(browser: Client, visit: Visit) -> None:
    for _ in range(3):
        make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.6))
    assert "\u22120.60" in browser.get("/patients/").content.decode()


def test_a_list_without_patients_offers_the_first(browser: Client) -> None:
    page = browser.get("/patients/").content.decode()
    assert "No patients yet" in page
    assert 'href="/patients/new/"' in page


def test_a_patient_without_photos_says_what_comes_next(browser: Client, ada: User, ines: Patient) -> None:
    assert "Consent recorded 4 Mar 2025. Create a visit to begin." in browser.get("/patients/").content.decode()
    ines.consents.all().delete()
    assert "Record consent to begin." in browser.get("/patients/").content.decode()


def test_a_long_list_says_how_much_of_it_is_shown(browser: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.views.caseload.PAGE", 2)
    for number in range(3):
        make_patient(ada, name=f"Patient {number}")
    assert "1–2 of 3" in browser.get("/patients/").content.decode()
    assert len(names(browser.get("/patients/", {"all": "1"}))) == 3


def test_a_patient_with_a_usual_range_is_not_said_to_wait_for_one(browser: Client, ada: User, ines: Patient) -> None:
    visits = make_read_visits(ines, days=5)
    assert "After 4 visits" not in browser.get("/patients/").content.decode()
    Prediction.objects.filter(photo__visit=visits[-1]).update(state=State.QUEUED, finished_at=None)
    page = browser.get("/patients/").content.decode()
    assert "After 4 visits" not in page
    assert "not read yet" in page
    assert "0 of 3 photos" in page


def test_one_photo_is_not_told_in_the_plural(browser: Client, visit: Visit) -> None:
    make_prediction(make_photo(visit))
    assert "1 of 1 photo<" in browser.get("/patients/").content.decode()


@pytest.fixture
def three(ada: User) -> None:
    """Make three patients of Dr Ada: A is sad and late, B happy and early, C has no photos."""
    for name, day, happy in (("A", date(2026, 9, 1), 0.1), ("B", date(2026, 3, 1), 0.9)):
        photo = make_photo(make_visit(make_patient(ada, name=name), day))
        make_prediction(photo, probabilities=probabilities_of(happy=happy))
    make_patient(ada, name="C")


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "ABC"),
        ("-name", "CBA"),
        ("valence", "ABC"),
        ("-valence", "BAC"),
        ("visit", "BAC"),
        ("-visit", "ABC"),
        ("-nonsense", "ABC"),
    ],
)
def test_columns_sort_and_patients_without_the_value_come_last(browser: Client, three: None, sort: str, order: str) -> None:
    page = browser.get("/patients/", {"sort": sort})
    assert "".join(names(page)) == order
    assert ("New since you last looked" in page.content.decode()) == (sort == "-nonsense")


def test_head_of_a_column_says_the_order_and_turns_it(browser: Client, three: None) -> None:
    page = browser.get("/patients/", {"sort": "-visit", "q": "A", "show": "new"}).content.decode()
    assert 'aria-sort="descending"' in page
    link = page.split('id="sort-visit"')[1].split("</a>")[0]
    assert 'href="/patients/?sort=visit&amp;show=new"' in link.replace("show=new&amp;sort=visit", "sort=visit&amp;show=new")
    assert "q=" not in link  # a name does not get into the address


def test_a_team_shows_its_patients(browser: Client, ada: User, three: None) -> None:
    day, night = Team.objects.create(name="Day clinic"), Team.objects.create(name="Night clinic")
    for name, team in (("A", day), ("B", day), ("B", night)):
        team.assignments.create(patient=next(each for each in ada.patients.all() if each.name == name))
    page = browser.get("/patients/", {"team": day.pk})
    assert sorted(names(page)) == ["A", "B"]
    assert page.context["counts"]["new"] == 2
    assert names(browser.get("/patients/", {"team": night.pk})) == ["B"]
    for unknown in ("0", "x", "9" * 40):
        assert len(names(browser.get("/patients/", {"team": unknown}))) == 3


def test_the_address_keeps_filters_and_order_but_no_search(browser: Client, three: None) -> None:
    asked = {"q": "Ines", "show": "new", "sort": "-visit", "team": "x", "all": "1"}
    answer = browser.get("/patients/", asked, headers={"HX-Request": "true"})
    assert answer.headers["HX-Replace-Url"] == "/patients/?show=new&sort=-visit"
    assert "HX-Replace-Url" not in browser.get("/patients/", asked).headers


def test_unusable_photos_are_no_alarm(browser: Client, visit: Visit) -> None:
    make_prediction(make_photo(visit), state=State.REJECTED, reason="too_dark", finished_at=timezone.now())
    page = browser.get("/patients/").content.decode()
    badge = page.split("1 unusable")[0].rsplit("<span", 1)[1]
    assert 'class="badge"' in badge


def test_name_of_another_patient_hides_one_row_alone(browser: Client, ada: User, ines: Patient) -> None:
    other = make_patient(ada, name="Omar Said")
    browser.get(f"/patients/{other.pk}/")  # so that it is among the recently viewed ones
    Patient.objects.filter(pk=other.pk).update(name=Cast(F("record_number"), TextField()))
    page = browser.get("/patients/")
    assert names(page) == ["Ines Moreau"]
    assert page.context["recent"] == []
    assert "1 patient is not shown: stored data do not belong to them" in page.content.decode()
    assert [each.place.split()[0] for each in broken()] == ["patients.Patient.name"]
