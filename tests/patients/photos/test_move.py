"""Moving photos and visits: what moves along, what stays, and what is logged."""

from datetime import date
from uuid import UUID

import pytest
from django.conf import LazySettings

from patients.consent import erasure
from patients.consent.erasure import ask_for_erasure
from patients.forms.move import MovePhotosForm
from patients.models import AccessLog, Consent, Draft, ErasureRequest, OwnLabel, Patient, Photo, SelfReport, User, Visit
from patients.models.access import object_name, pseudonym
from patients.photos import move as moving
from patients.photos.move import CannotMove, move_photos, move_visit
from patients.timeline.summaries import points
from tests.factories import make_patient, make_photo, make_prediction, make_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def tom(ada: User) -> Patient:
    """Return Tom, another patient of Dr Ada."""
    return make_patient(ada, name="Tom Berg", birth_date=date(1980, 1, 1))


def moves() -> list[tuple[str, str, object]]:
    """Return patient, kind of object and detail of each logged move."""
    entries = AccessLog.objects.filter(action=AccessLog.Action.MOVE)
    return [(entry.patient, entry.object_kind, entry.detail) for entry in entries.order_by("sequence")]


def test_reading_and_label_go_along_with_a_photo(ada: User, visit: Visit, tom: Patient) -> None:
    photo = make_photo(visit)
    reading = make_prediction(photo)
    OwnLabel.objects.create(photo=photo, clinician=ada, label="happy")
    there = make_visit(tom)
    assert move_photos([photo], there, ada).count == 1
    assert [point.used for point in points(visit.patient)] == []
    (point,) = points(tom)
    assert (point.visit_id, point.used) == (there.pk, 1)
    assert there.photos.get().prediction == reading
    assert there.photos.get().own_labels.get().label == "happy"


@pytest.mark.parametrize("what", ["photo", "visit"])
def test_drafts_move_along(ada: User, visit: Visit, tom: Patient, what: str) -> None:
    photo, other = make_photo(visit), make_photo(visit)
    for each in (photo, other):
        Draft.keep(ada, f"/photos/{each.pk}/", {"note": "tired"}, visit.patient)
    if what == "photo":
        move_photos([photo], make_visit(tom), ada)
    else:
        move_visit(visit, tom, ada)
    owners = dict(Draft.objects.values_list("path", "patient"))
    there = visit.patient_id if what == "photo" else tom.pk
    assert owners == {f"/photos/{photo.pk}/": tom.pk, f"/photos/{other.pk}/": there}


def test_a_move_between_patients_is_logged_for_both(ada: User, visit: Visit, tom: Patient) -> None:
    there = make_visit(tom)
    move_photos([make_photo(visit)], there, ada)

    def where(patient_id: UUID) -> dict[str, str]:
        return {"from_visit": object_name(patient_id, visit.pk), "to_visit": object_name(patient_id, there.pk)}

    assert moves() == [(pseudonym(key), "photo", where(key)) for key in (visit.patient_id, tom.pk)]


def test_a_move_between_visits_is_logged_once(ada: User, visit: Visit) -> None:
    move_photos([make_photo(visit)], make_visit(visit.patient), ada)
    assert len(moves()) == 1


def test_the_very_same_file_stays_where_it_is(ada: User, visit: Visit, tom: Patient) -> None:
    there, elsewhere = make_visit(tom), make_visit(tom)
    twin, cousin, fresh = (make_photo(visit) for _ in range(3))
    for photo, place in ((twin, there), (cousin, elsewhere)):
        other = make_photo(place)
        other.fingerprint = photo.fingerprint
        other.save()
    moved = move_photos([twin, cousin, fresh], there, ada)
    assert (moved.count, moved.stayed) == (1, {"duplicate_in_visit": [twin], "duplicate_in_patient": [cousin]})
    moved = move_photos([twin, cousin], there, ada, keep_duplicate=True)
    assert (moved.count, moved.stayed) == (1, {"duplicate_in_visit": [twin]})


def test_a_full_visit_takes_no_more(ada: User, visit: Visit, settings: LazySettings) -> None:
    settings.PHOTOS_PER_VISIT = 1
    first, second = make_photo(visit), make_photo(visit)
    moved = move_photos([first, second], make_visit(visit.patient), ada)
    assert (moved.count, moved.stayed) == (1, {"visit_full": [second]})


def test_without_consent_of_the_other_patient_nothing_moves(ada: User, visit: Visit, tom: Patient) -> None:
    Consent.objects.filter(patient=tom).delete()
    photo = make_photo(visit)
    with pytest.raises(CannotMove, match="no_consent"):
        move_photos([photo], make_visit(tom), ada)
    with pytest.raises(CannotMove, match="no_consent"):
        move_visit(visit, tom, ada)
    photo.refresh_from_db()
    assert photo.visit == visit
    assert moves() == []


def test_a_visit_goes_with_everything_in_it(ada: User, visit: Visit, tom: Patient) -> None:
    source = visit.patient
    visit.is_baseline, visit.note = True, "Sleeps badly."
    visit.save()
    SelfReport.objects.create(visit=visit, mood=3)
    make_prediction(make_photo(visit))
    move_visit(visit, tom, ada)
    visit.refresh_from_db()
    assert (visit.patient, visit.note, visit.self_report.mood, visit.is_baseline) == (tom, "Sleeps badly.", 3, False)
    assert [point.used for point in points(tom)] == [1]
    assert moves() == [
        (pseudonym(source.pk), "visit", {"direction": "away"}),
        (pseudonym(tom.pk), "visit", {"direction": "here"}),
    ]


def test_a_visit_whose_file_the_other_patient_has_is_moved_only_when_asked(ada: User, visit: Visit, tom: Patient) -> None:
    other = make_photo(make_visit(tom))
    other.fingerprint = make_photo(visit).fingerprint
    other.save()
    with pytest.raises(CannotMove, match="duplicate_in_patient"):
        move_visit(visit, tom, ada)
    move_visit(visit, tom, ada, keep_duplicate=True)
    assert Visit.objects.get(pk=visit.pk).patient == tom


@pytest.mark.parametrize("whose", ["source", "target"])
def test_nothing_is_moved_from_or_to_a_patient_being_erased(ada: User, visit: Visit, tom: Patient, whose: str) -> None:
    ask_for_erasure(visit.patient if whose == "source" else tom, "images", ada, ada)
    other, photo = make_visit(tom), make_photo(visit)
    with pytest.raises(CannotMove) as refused:
        move_photos([photo], other, ada)
    assert refused.value.code == "being_erased"
    with pytest.raises(CannotMove) as refused:
        move_visit(visit, tom, ada)
    assert refused.value.code == "being_erased"
    photo.refresh_from_db()
    assert photo.visit == visit


def test_photos_moved_meanwhile_stay_where_they_are(ada: User, visit: Visit, tom: Patient) -> None:
    photo, third = make_photo(visit), make_patient(ada, name="Uma Reyes")
    first, second = (Visit.objects.select_related("patient").get(pk=visit.pk) for _ in range(2))
    old = Photo.objects.select_related("visit__patient").get(pk=photo.pk)
    move_visit(first, tom, ada)
    with pytest.raises(CannotMove, match="moved_meanwhile"):
        move_visit(second, third, ada)
    with pytest.raises(CannotMove, match="moved_meanwhile"):
        move_photos([old], make_visit(third), ada)
    assert Photo.objects.get(pk=photo.pk).visit.patient == tom


def test_a_picture_that_was_moved_away_meanwhile_is_not_erased(
    ada: User, visit: Visit, tom: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_photo(visit), make_photo(visit)
    request = ErasureRequest.objects.claim(ask_for_erasure(visit.patient, "images", ada, ada).pk)
    assert request is not None
    erase = erasure.erase_picture

    def move_the_other(photo: Photo) -> None:
        Photo.objects.exclude(pk=photo.pk).filter(visit=visit).update(visit=make_visit(tom))
        erase(photo)

    monkeypatch.setattr(erasure, "erase_picture", move_the_other)
    erasure.carry_out(request)
    assert sorted(photo.is_erased for photo in Photo.objects.filter(pk__in=[first.pk, second.pk])) == [False, True]


def test_visits_of_one_day_are_told_apart(ada: User, visit: Visit, tom: Patient) -> None:
    morning, evening = (make_visit(tom, visit.date) for _ in range(2))
    make_photo(evening)
    choices = dict(MovePhotosForm(None, visit, [], tom).fields["visit"].choices)  # type: ignore[attr-defined]  # a ChoiceField
    assert choices[str(morning.pk)] != choices[str(evening.pk)]
    assert choices[str(evening.pk)].endswith("1 photo")
    assert choices[str(morning.pk)].endswith("0 photos")


def test_a_visit_before_the_birth_is_not_moved(ada: User, visit: Visit) -> None:
    young = make_patient(ada, name="Kim Young", birth_date=date(2026, 11, 24))
    with pytest.raises(CannotMove, match="unborn"):
        move_visit(visit, young, ada)
    with pytest.raises(CannotMove, match="same_patient"):
        move_visit(visit, visit.patient, ada)


def test_entries_are_written_after_every_row(ada: User, visit: Visit, tom: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adding an entry blocks all others who add one, so it must not wait for a row that one of them holds."""
    photos, there = [make_photo(visit), make_photo(visit)], make_visit(tom)
    left: list[int] = []
    monkeypatch.setattr(moving, "record_access", lambda *arguments, **options: left.append(visit.photos.count()))
    move_photos(photos, there, ada)
    assert left == [0] * 4
    owners: list[Patient] = []
    monkeypatch.setattr(
        moving, "record_access", lambda *arguments, **options: owners.append(Visit.objects.get(pk=there.pk).patient)
    )
    move_visit(there, visit.patient, ada)
    assert owners == [visit.patient] * 2
