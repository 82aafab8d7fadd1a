"""Which photos count, and what they say together."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Patient, Photo, Visit
from patients.timeline.points import version_order
from patients.timeline.summaries import point_of, points, points_by_patient, refresh
from tests.factories import make_patient, make_photo, make_prediction, make_visit, probabilities_of

pytestmark = pytest.mark.django_db

State = Prediction.State
NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.get_default_timezone())


def read(visit: Visit, **named: float) -> Photo:
    photo = make_photo(visit)
    make_prediction(photo, probabilities=probabilities_of(**named))
    return photo


def test_point_has_the_mean_of_its_photos(visit: Visit, ines: Patient) -> None:
    read(visit, happy=0.6)
    read(visit, happy=0.2, sad=0.4)
    read(visit, happy=0.1, angry=0.1, fear=0.1, disgust=0.1, sad=0.3, surprise=0.2, neutral=0.1)
    (point,) = points(ines)
    assert point.date == visit.date
    assert point.visit_id == visit.pk
    assert (point.used, point.missing, point.total) == (3, 0, 3)
    # happy (0.6 + 0.2 + 0.1)/3 = 0.3; sad (0 + 0.4 + 0.3)/3; angry, disgust, fear 0.1/3 each
    assert [share.mean for share in point.probabilities] == pytest.approx(
        [0.1 / 3, 0.1 / 3, 0.1 / 3, 0.3, 0.7 / 3, 0.2 / 3, (0.4 + 0.4 + 0.1) / 3]
    )
    assert point.valence == pytest.approx(0.3 - 1.0 / 3)
    assert sorted(point.photo_valences) == pytest.approx([-0.5, -0.2, 0.6])
    assert [share.expression for share in point.top] == ["happy", "neutral"]
    assert [share.expression for share in point.probabilities] == list(EXPRESSIONS)


def test_every_photo_is_counted_exactly_once(visit: Visit, ines: Patient) -> None:
    read(visit, happy=1.0)
    read(visit, happy=1.0).exclude("blinked")
    make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.5), abstained=True)
    for state in (State.NO_FACE, State.REJECTED, State.FAILED, State.CHOOSE_FACE, State.QUEUED, State.RUNNING):
        make_prediction(make_photo(visit), state=state)
    make_photo(visit)  # no prediction was requested yet
    (point,) = points(ines)
    counts = (point.used, point.excluded, point.too_close, point.failed, point.to_choose, point.unfinished)
    assert counts == (1, 1, 1, 3, 1, 3)
    assert point.total == 10
    assert point.valence == pytest.approx(1.0)


def test_point_agrees_with_is_used_of_each_photo(visit: Visit, ines: Patient) -> None:
    for state in State.values:
        make_prediction(make_photo(visit), state=state)
    make_prediction(make_photo(visit), abstained=True)
    read(visit, happy=0.2).exclude("turned")
    (point,) = points(ines)
    photos = Photo.objects.filter(visit=visit).with_predictions()
    assert point.used == sum(photo.is_used for photo in photos) == 1


def test_newest_prediction_counts(visit: Visit, ines: Patient) -> None:
    photo = make_photo(visit)
    make_prediction(photo, probabilities=probabilities_of(happy=0.9), model_version="1.3.0", requested_at=NOON + timedelta(days=1))
    make_prediction(photo, probabilities=probabilities_of(sad=0.9), model_version="1.2.0", requested_at=NOON)
    (point,) = points(ines)
    assert point.total == 1
    assert point.valence == pytest.approx(0.9)
    assert point.model_versions == ("1.3.0",)


def test_photo_that_is_read_again_does_not_count_until_it_is_read(visit: Visit, ines: Patient) -> None:
    photo = make_photo(visit)
    make_prediction(photo, model_version="1.2.0", requested_at=NOON)
    make_prediction(photo, state=State.QUEUED, model_version="1.3.0", requested_at=NOON + timedelta(days=1))
    (point,) = points(ines)
    assert (point.used, point.unfinished, point.valence) == (0, 1, None)


def test_visit_read_by_two_models_names_both_in_order(visit: Visit, ines: Patient) -> None:
    for version in ("1.10.0", "1.9.0", "1.9.0"):
        make_prediction(make_photo(visit), model_version=version)
    assert points(ines)[0].model_versions == ("1.9.0", "1.10.0")
    assert version_order("2.0") > version_order("1.10.0-beta")


def test_visits_come_oldest_first_and_without_those_that_have_no_photos(ines: Patient) -> None:
    late, early, _empty = (make_visit(ines, date(2026, month, 1)) for month in (5, 2, 3))
    read(late, happy=0.1)
    read(early, happy=0.2)
    assert [point.visit_id for point in points(ines)] == [early.pk, late.pk]


def test_point_of_a_visit_without_photos_is_empty(visit: Visit) -> None:
    point = point_of(visit)
    assert (point.total, point.valence, point.interval, point.probabilities, point.top) == (0, None, None, (), ())


def test_many_patients_take_two_queries_and_keep_apart(
    visit: Visit, ines: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    omar, empty = make_patient(name="Omar"), make_patient(name="Empty")
    elsewhere = Visit.objects.create(patient=omar, date=date(2026, 4, 1), created_by=visit.created_by)
    read(visit, happy=0.5)
    read(elsewhere, sad=0.5)
    refresh([ines.pk, omar.pk, empty.pk])
    with django_assert_num_queries(2):  # marks, and visits with their summaries
        found = points_by_patient([ines.pk, omar.pk, empty.pk])
        values = {patient_id: [point.valence for point in each] for patient_id, each in found.items()}
    assert values == {ines.pk: [pytest.approx(0.5)], omar.pk: [pytest.approx(-0.5)], empty.pk: []}


def test_point_as_json_is_plain(visit: Visit, ines: Patient) -> None:
    read(visit, happy=0.5)
    (point,) = points(ines)
    assert point.as_json() == {
        "visit": str(visit.pk),
        "date": visit.date.isoformat(),
        "photos": {"used": 1, "excluded": 0, "failed": 0, "to_choose": 0, "too_close": 0, "unfinished": 0, "total": 1},
        "valence": 0.5,
        "valence_interval": None,
        "shares": {"angry": 0.0, "disgust": 0.0, "fear": 0.0, "happy": 0.5, "sad": 0.0, "surprise": 0.0, "neutral": 0.5},
        "share_intervals": dict.fromkeys(EXPRESSIONS),
        "model_versions": ["1.0.0"],
    }
