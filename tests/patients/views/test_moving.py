"""The pages that move photos and visits, and the hint that a photo is of another day."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from patients.models import AccessLog, Consent, Patient, Photo, User, Visit
from patients.models.access import object_name, pseudonym
from tests.factories import make_patient, make_photo, make_prediction, make_visit

OCTOBER = datetime(2026, 10, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def tom(ada: User) -> Patient:
    """Return Tom, another patient of Dr Ada."""
    return make_patient(ada, name="Tom Berg")


def words(page: object) -> str:
    return " ".join(page.content.decode().split())  # type: ignore[attr-defined]  # the test client's response


def test_photos_are_moved_to_a_visit_there_is(browser: Client, visit: Visit) -> None:
    photo, stays = make_photo(visit), make_photo(visit)
    other = make_visit(visit.patient, date(2026, 10, 3))
    asked = {"photo": [str(photo.pk)], "patient": str(visit.patient_id), "visit": str(other.pk)}
    page = browser.post(f"/visits/{visit.pk}/move-photos/", asked, follow=True)
    assert page.redirect_chain == [(f"/visits/{other.pk}/", 302)]
    assert "1 photo was moved here with its results." in words(page)
    assert list(other.photos.all()) == [photo]
    assert list(visit.photos.all()) == [stays]


def test_photos_are_moved_to_a_new_visit_of_another_patient(browser: Client, visit: Visit, tom: Patient) -> None:
    photo = make_photo(visit)
    asked = {"photo": [str(photo.pk)], "patient": str(tom.pk), "visit": "new", "new_date": "2026-11-19"}
    browser.post(f"/visits/{visit.pk}/move-photos/", asked)
    new = tom.visits.get()
    assert (new.date, list(new.photos.all())) == (date(2026, 11, 19), [photo])


def test_without_a_script_the_visits_of_another_patient_are_shown_first(browser: Client, visit: Visit, tom: Patient) -> None:
    photo = make_photo(visit)
    theirs = make_visit(tom, date(2026, 10, 9))
    asked = {"photo": [str(photo.pk)], "patient": str(tom.pk), "show": "1"}
    page = words(browser.post(f"/visits/{visit.pk}/move-photos/", asked))
    assert f'value="{theirs.pk}"' in page
    assert f'value="{photo.pk}" checked' in page
    assert "Choose a visit." not in page
    asked_by_script = {"HX-Request": "true"}
    part = browser.get(f"/visits/{visit.pk}/move-photos/", {"patient": str(tom.pk)}, headers=asked_by_script).content.decode()
    assert f'value="{theirs.pk}"' in part
    assert "<html" not in part


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"photo": []}, "Choose at least one photo."),
        ({"visit": ""}, "Choose a visit."),
        ({"visit": "new"}, "Enter the date of the new visit."),
        ({"visit": "new", "new_date": "1900-01-01"}, "The date must be between the patient’s birth and today."),
    ],
)
def test_an_incomplete_move_is_refused(browser: Client, visit: Visit, wrong: dict[str, object], why: str) -> None:
    photo = make_photo(visit)
    other = make_visit(visit.patient, date(2026, 10, 3))
    asked = {"photo": [str(photo.pk)], "patient": str(visit.patient_id), "visit": str(other.pk)} | wrong
    assert why in words(browser.post(f"/visits/{visit.pk}/move-photos/", asked))
    assert visit.photos.count() == 1


def test_a_new_visit_that_nothing_came_into_is_not_kept(browser: Client, visit: Visit, tom: Patient) -> None:
    photo, theirs = make_photo(visit, original_name="IMG_7.jpg"), make_photo(make_visit(tom))
    Photo.objects.update(fingerprint="the same")
    asked = {"photo": [str(photo.pk)], "patient": str(tom.pk), "visit": "new", "new_date": "2026-11-19"}
    page = browser.post(f"/visits/{visit.pk}/move-photos/", asked, follow=True)
    assert "Not moved: IMG_7.jpg. Reason: the same file is in another visit of that patient" in words(page)
    assert list(tom.visits.all()) == [theirs.visit]


def test_nothing_moves_to_a_patient_whom_the_clinician_does_not_see(browser: Client, visit: Visit, bo: User) -> None:
    foreign = make_visit(make_patient(bo, name="Far Away"))
    photo = make_photo(visit)
    asked = {"photo": [str(photo.pk)], "patient": str(foreign.patient_id), "visit": str(foreign.pk)}
    page = browser.post(f"/visits/{visit.pk}/move-photos/", asked).content.decode()
    assert "Far Away" not in page
    browser.post(f"/visits/{visit.pk}/move/", {"patient": str(foreign.patient_id)})
    visit.refresh_from_db()
    assert (visit.photos.count(), visit.patient.name) == (1, "Ines Moreau")


@pytest.mark.parametrize("page", ["move", "move-photos"])
def test_page_that_names_every_patient_is_logged(browser: Client, visit: Visit, tom: Patient, page: str) -> None:
    assert tom.name in words(browser.get(f"/visits/{visit.pk}/{page}/"))
    assert tom.name in words(browser.post(f"/visits/{visit.pk}/{page}/", {"show": "1", "patient": ""}))
    assert AccessLog.objects.filter(action="list").count() == 2


def test_returned_form_and_visits_of_another_patient_are_logged(browser: Client, visit: Visit, tom: Patient) -> None:
    def entries() -> list[tuple[str, str, str]]:
        return [(entry.action, entry.patient, entry.object_kind) for entry in AccessLog.objects.order_by("sequence")]

    path = f"/visits/{visit.pk}/move-photos/"
    browser.post(path, {"show": "1", "patient": str(visit.patient_id)})
    source = ("view", pseudonym(visit.patient_id), "visit")
    listed = [("list", name, "") for name in sorted(map(pseudonym, (visit.patient_id, tom.pk)))]
    assert entries() == [source, *listed]
    browser.get(path, {"patient": str(tom.pk)})  # both were listed a moment ago
    assert entries()[3:] == [("view", pseudonym(tom.pk), ""), source]


@pytest.mark.parametrize("asked", [{"visit": "new", "new_date": "2026-11-19"}, {"show": "1"}])
def test_patient_who_is_no_longer_in_one_s_care_is_not_taken_for_another(
    browser: Client, visit: Visit, tom: Patient, asked: dict[str, str]
) -> None:
    photo = make_photo(visit)
    tom.assignments.all().delete()
    for page in ("move-photos", "move"):
        asked |= {"photo": str(photo.pk), "patient": str(tom.pk)}
        answer = browser.post(f"/visits/{visit.pk}/{page}/", asked)
        assert "This patient is no longer in your care." in words(answer)
    assert (visit.photos.count(), Visit.objects.count()) == (1, 1)


def test_a_whole_visit_is_moved(browser: Client, visit: Visit, tom: Patient) -> None:
    page = browser.post(f"/visits/{visit.pk}/move/", {"patient": str(tom.pk)}, follow=True)
    assert page.redirect_chain == [(f"/visits/{visit.pk}/", 302)]
    assert page.context["patient"] == tom


def test_a_refused_move_says_why(browser: Client, visit: Visit, tom: Patient) -> None:
    Consent.objects.filter(patient=tom).delete()
    assert "That patient has not consented" in words(browser.post(f"/visits/{visit.pk}/move/", {"patient": str(tom.pk)}))
    theirs, photo = make_visit(tom), make_photo(visit)
    asked = {"photo": [str(photo.pk)], "patient": str(tom.pk), "visit": str(theirs.pk)}
    assert "That patient has not consented" in words(browser.post(f"/visits/{visit.pk}/move-photos/", asked))


def test_photos_of_another_day_are_pointed_out_until_someone_keeps_them(browser: Client, visit: Visit) -> None:
    for _ in range(2):
        make_prediction(make_photo(visit, taken_at=OCTOBER))
    make_photo(visit, taken_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    make_photo(visit, taken_at=datetime(2026, 11, 21, 1, 0, tzinfo=UTC))  # past midnight
    page = words(browser.get(f"/visits/{visit.pk}/"))
    assert "Two photos are dated 3 October 2026." in page
    assert "This visit is on 20 November 2026." in page
    assert page.count("?photo=") == 1
    assert "Move to another visit" in page
    assert page.count(">3 Oct 2026, 09:00<") == page.count("Photo, 3 Oct 2026, 09:00") == 2
    assert "20 Nov 2026, 09:00" not in page
    assert "Two photos are dated" in words(browser.get(f"/visits/{visit.pk}/state/"))
    browser.post(f"/visits/{visit.pk}/keep-dates/")
    assert "are dated" not in words(browser.get(f"/visits/{visit.pk}/"))
    assert AccessLog.objects.get(action="edit").object_id == object_name(visit.patient_id, visit.pk)


def test_the_day_of_the_camera_is_offered_for_a_new_visit(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit, taken_at=OCTOBER)
    page = words(browser.get(f"/visits/{visit.pk}/move-photos/", {"photo": str(photo.pk)}))
    assert 'value="2026-10-03"' in page


def test_a_moved_photo_is_pointed_out_anew(browser: Client, visit: Visit) -> None:
    photo = make_photo(visit, taken_at=OCTOBER)
    browser.post(f"/visits/{visit.pk}/keep-dates/")
    other = make_visit(visit.patient, date(2026, 8, 8))
    asked = {"photo": [str(photo.pk)], "patient": str(visit.patient_id), "visit": str(other.pk)}
    page = browser.post(f"/visits/{visit.pk}/move-photos/", asked, follow=True)
    assert "One photo is dated 3 October 2026." in words(page)


@pytest.fixture
def many(ada: User, monkeypatch: pytest.MonkeyPatch) -> list[Patient]:
    """Return five patients of Dr Ada, of whom a menu names two."""
    monkeypatch.setattr("patients.views.moving.MENU", 2)
    return [make_patient(ada, name=f"Zoë Berg{number}") for number in range(5)]


@pytest.mark.parametrize("page", ["move", "move-photos"])
def test_a_menu_names_a_few_and_finds_the_others(browser: Client, visit: Visit, many: list[Patient], page: str) -> None:
    path = f"/visits/{visit.pk}/{page}/"

    def named(answer: object) -> list[Patient]:
        text = answer.content.decode()  # type: ignore[attr-defined]  # the test client's response
        return [patient for patient in many if str(patient.pk) in text]

    assert len(named(browser.get(path))) <= 2
    assert "of 6 patients" in words(browser.get(path))
    assert named(browser.get(path, {"q": "berg3"}, headers={"HX-Request": "true"})) == [many[3]]
    assert named(browser.post(path, {"q": "berg4", "show": "1"})) == [many[4]]  # without a script
    listed = set(AccessLog.objects.filter(action=AccessLog.Action.LIST).values_list("patient", flat=True))
    assert {pseudonym(many[3].pk), pseudonym(many[4].pk)} <= listed
    assert pseudonym(many[2].pk) not in listed


def test_a_patient_beyond_the_menu_can_be_chosen(browser: Client, visit: Visit, many: list[Patient]) -> None:
    photo, target = make_photo(visit), many[4]
    asked = {"photo": [str(photo.pk)], "patient": str(target.pk), "visit": "new", "new_date": "2026-11-19"}
    browser.post(f"/visits/{visit.pk}/move-photos/", asked)
    assert target.visits.get().photos.get() == photo
    browser.post(f"/visits/{visit.pk}/move/", {"patient": str(target.pk)})
    assert target.visits.filter(pk=visit.pk).exists()


def test_few_patients_need_no_search(browser: Client, visit: Visit, tom: Patient) -> None:
    assert 'name="q"' not in browser.get(f"/visits/{visit.pk}/move/").content.decode()
