"""How often the model says what a clinician says: the pairs that count, and how sure their share is."""

from datetime import date, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from inference.models import Prediction
from patients.models import OwnLabel, Patient, Photo, User, Visit
from patients.readings.agreement import Agreement, labelled_by, labels_by_photo, wilson
from patients.timeline.summaries import points
from tests.factories import make_patient, make_photo, make_prediction, make_visit, probabilities_of

pytestmark = pytest.mark.django_db
FACE = {"left": 8, "top": 6, "width": 24, "height": 30}


def label(photo: Photo, said: str, by: User | None = None, box: dict[str, int] | None = None) -> OwnLabel:
    return OwnLabel.objects.create(photo=photo, clinician=by or photo.uploaded_by, label=said, box=box or FACE)


def read_photo(visit: Visit, expression: str = "happy", **fields: object) -> Photo:
    photo = make_photo(visit)
    make_prediction(photo, probabilities=probabilities_of(**{expression: 0.8}), **fields)  # type: ignore[arg-type]  # fields of the row
    return photo


def agreement(ada: User, ines: Patient, *visits: tuple[int, int]) -> Agreement:
    """Return the agreement over visits of `agreed` and `differed` photos each."""
    for number, (agreed, differed) in enumerate(visits):
        visit = make_visit(ines, date(2026, 1, 5) + timedelta(weeks=number))
        for said in ["happy"] * agreed + ["sad"] * differed:
            label(read_photo(visit), said)
    return labelled_by(ada, ines).agreement


def test_wilson_gives_the_published_interval() -> None:
    interval = wilson(81 / 263, 263)  # Newcombe (1998), table I: 0.2553 to 0.3662
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_agreement_is_counted_over_labelled_photos(ada: User, ines: Patient) -> None:
    found = agreement(ada, ines, (2, 1), (1, 0))
    assert (found.agreed, found.n, found.visits) == (3, 4, 2)
    assert found.interval is None  # two visits


def test_photos_that_go_together_make_the_interval_wider(ada: User, ines: Patient) -> None:
    apart = agreement(ada, ines, (4, 0), (4, 0), (0, 4), (4, 0)).interval
    alike = wilson(12 / 16, 16)
    assert apart is not None
    assert apart.low < alike.low
    assert apart.high > alike.high


def test_few_visits_ask_for_student_s_distribution(ada: User, ines: Patient) -> None:
    found = agreement(ada, ines, (3, 1), (3, 1), (3, 1), (3, 1))  # alike: by themselves the photos would count one by one
    by_normal = wilson(12 / 16, 16)
    by_student = wilson(12 / 16, 16 * (1.96 / 3.182) ** 2)  # three degrees of freedom
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((by_student.low, by_student.high), abs=0.005)
    assert found.interval.low < by_normal.low - 0.05


def test_patients_who_differ_make_the_interval_wider(ada: User) -> None:
    for number, agreed in enumerate((9, 6, 3)):
        found = agreement(ada, make_patient(ada, name=f"Patient {number}"), *((1, 0),) * agreed, *((0, 1),) * (10 - agreed))
    of_one, of_all = found.interval, labelled_by(ada).agreement.interval
    assert of_one is not None
    assert of_all is not None
    assert (of_all.low, of_all.high) == pytest.approx((0.15, 0.92), abs=0.05)
    assert of_all.high - of_all.low > of_one.high - of_one.low  # ten times fewer photos, and yet they tell more of that one


def test_when_all_agree_a_visit_counts_as_one_photo(ada: User, ines: Patient) -> None:
    found = agreement(ada, ines, (5, 0), (5, 0), (5, 0))
    assert found.interval == wilson(1.0, 3)


def test_chance_is_what_the_habits_alone_would_give(ada: User, ines: Patient) -> None:
    assert agreement(ada, ines, (2, 2)).by_chance == pytest.approx(0.5)  # the model always happy, the clinician half the time


def test_months_are_those_of_the_visits(ada: User, ines: Patient) -> None:
    months = agreement(ada, ines, (1, 0), (1, 0), (0, 1), (0, 1), (0, 1)).months
    assert [(month, each.agreed, each.n) for month, each in months] == [(date(2026, 1, 1), 2, 4), (date(2026, 2, 1), 0, 1)]


def test_a_label_is_crossed_with_what_the_model_says(ada: User, ines: Patient) -> None:
    cross_table = dict(agreement(ada, ines, (1, 2)).cross_table)
    assert cross_table["happy"] == [0, 0, 0, 1, 0, 0, 0]
    assert cross_table["sad"] == [0, 0, 0, 2, 0, 0, 0]


def test_what_cannot_be_compared_is_told_apart(ada: User, visit: Visit) -> None:
    label(read_photo(visit), "cannot_say")
    label(read_photo(visit, abstained=True), "happy")
    label(read_photo(visit), "happy", box={"left": 40, "top": 2, "width": 12, "height": 14})
    found = labelled_by(ada)
    assert (found.cannot_say, found.too_close, found.another_face, found.agreement.n) == (1, 1, 1, 0)


def test_excluded_unread_and_foreign_photos_do_not_count(ada: User, bo: User, visit: Visit) -> None:
    out = read_photo(visit)
    label(out, "happy")
    out.exclude("Speaking")
    waiting = make_photo(visit)
    make_prediction(waiting, state=Prediction.State.QUEUED)
    label(waiting, "happy")
    label(read_photo(visit), "happy", by=bo)
    foreign = read_photo(make_visit(make_patient(bo, name="Tom Berg")))
    label(foreign, "happy", by=ada)
    assert labelled_by(ada).agreement.n == 0


def test_the_newest_reading_is_compared(ada: User, visit: Visit) -> None:
    photo = read_photo(visit, "sad", model_version="1.0.0")
    make_prediction(photo, probabilities=probabilities_of(happy=0.9), model_version="2.0.0")
    label(photo, "happy")
    found = labelled_by(ada).agreement
    assert (found.agreed, found.n, found.model_versions) == (1, 1, ["2.0.0"])


def test_one_query_whatever_their_number(ada: User, ines: Patient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    agreement(ada, ines, (3, 1), (2, 2))
    with django_assert_num_queries(1):
        assert labelled_by(ada).agreement.n == 8


def test_labels_by_photo_are_the_readers_own_and_about_the_face_that_was_read(
    ada: User, ines: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit, colleague = make_visit(ines), User.objects.create_user("bo@clinic.test", display_name="Dr Bo")
    mine, elsewhere, theirs, unsure = (read_photo(visit) for _ in range(4))
    label(mine, "sad")
    label(elsewhere, "sad", box={"left": 200, "top": 200, "width": 20, "height": 20})
    label(theirs, "sad", by=colleague)
    label(unsure, "cannot_say")
    with django_assert_num_queries(1):
        assert labels_by_photo(ada, ines) == {mine.pk.hex: "sad"}
    (key,) = {key for point in points(ines) for key in point.photo_keys if key == mine.pk.hex}
    assert key == mine.pk.hex
