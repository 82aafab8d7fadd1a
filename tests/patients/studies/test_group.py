"""The group: whose values enter, which fields, and the means over people."""

from datetime import date
from statistics import fmean

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference.models import Prediction
from patients.models import Consent, Participation, Photo, User
from patients.studies.group import Person, StudyVisit, group_of
from patients.studies.quality import quality_of
from patients.studies.trajectory import by_window, nearest_week, t_interval, trajectories
from tests.factories import make_visit
from tests.patients.studies.groups import add_person, add_reading, make_group

pytestmark = pytest.mark.django_db


def test_group_has_numbers_days_and_ages_and_no_name(ada: User) -> None:
    study = make_group(ada, people=2, visits=3)
    group = group_of(study)
    assert group.arms == ["treatment", "waiting list"]
    assert {person.number for person in group.people} == set(Participation.objects.values_list("number", flat=True))
    assert [visit.day for visit in group.people[0].visits] == [0, 28, 56]
    assert {person.age for person in group.people} == {57, 64}
    assert (len(group.visits), group.photos, group.used, group.weeks, group.visits_per_person) == (12, 24, 24, 8, 3)
    assert "waiting list 0" not in repr(group)


def test_number_of_queries_does_not_grow(ada: User) -> None:
    study = make_group(ada, people=1)
    with CaptureQueriesContext(connection) as few:
        group_of(study)
    add_person(study, study.arms.all()[0], ada, 1, visits=2)
    with CaptureQueriesContext(connection) as more:
        group_of(study)
    assert len(more) == len(few)


def test_fields_that_the_board_did_not_approve_are_not_read(ada: User) -> None:
    study = make_group(ada, people=1, fields=["quality"])
    group = group_of(study)
    assert not any(group.has(measure) for measure in ("valence", "phq9", "gad7", "mood"))
    assert [person.age for person in group.people] == [None, None]


def test_who_withdraws_is_out_of_every_number_and_the_checksum_changes(ada: User) -> None:
    study = make_group(ada, people=2)
    before = group_of(study)
    gone = Participation.objects.all()[0]
    Participation.objects.withdraw(gone.patient)
    after = group_of(study)
    assert len(after.people) == 3
    assert gone.number not in {person.number for person in after.people}
    assert before.checksum() != after.checksum()
    assert after.checksum() == group_of(study).checksum()


def test_visits_outside_the_study_do_not_enter_and_day_0_is_the_first_inside(ada: User) -> None:
    study = make_group(ada, people=1, visits=1)
    patient = Participation.objects.all()[0].patient
    make_visit(patient, date(2025, 12, 30))
    make_visit(patient, date(2026, 2, 2))
    days = {visit.day for person in group_of(study).people for visit in person.visits}
    assert days == {0, 28}


@pytest.mark.parametrize(("week", "mark"), [(0, 0), (2, 0), (2.1, 4), (5.9, 4), (6, 4), (22.1, 24), (26, 24), (26.1, None)])
def test_window_of_two_weeks(week: float, mark: int | None) -> None:
    assert nearest_week(week) == mark


def person(*days_and_moods: tuple[int, int]) -> Person:
    visits = tuple(StudyVisit(None, day, None, {"mood": mood}) for day, mood in days_and_moods)  # type: ignore[arg-type]  # no rows
    return Person("A", "one", None, "", visits)


def test_everyone_counts_once_however_often_they_came() -> None:
    assert by_window(person((0, 2), (7, 4), (30, 6), (300, 9)), "mood") == {0: 3.0, 4: 6.0}


def test_t_interval_is_that_of_the_textbook() -> None:
    # Mean 5, standard deviation sqrt(2.5), t(4, 0.975) = 2.776445
    low, high = t_interval([3.0, 4.0, 5.0, 6.0, 7.0])
    assert (low, high) == pytest.approx((5 - 2.776445 * 2.5**0.5 / 5**0.5, 5 + 2.776445 * 2.5**0.5 / 5**0.5), abs=1e-6)


def test_means_are_over_people_and_small_ones_are_not_there(ada: User) -> None:
    study = make_group(ada, people=5, visits=3)
    left = Participation.objects.filter(arm__name="waiting list")[0]
    left.patient.visits.filter(date__gt=date(2026, 1, 10)).delete()
    treatment, waiting = trajectories(group_of(study), "valence")
    assert [mean.week for mean in treatment.means] == [0, 4, 8]
    assert treatment.counts == (5, 5, 5, 0, 0, 0, 0)
    assert (waiting.counts[:3], [mean.week for mean in waiting.means]) == ((5, None, None), [0])
    values = [by_window(each, "valence")[4] for each in group_of(study).in_arm("treatment")]
    assert treatment.means[1].mean == pytest.approx(fmean(values))
    assert [len(each.lines) for each in (treatment, waiting)] == [5, 5]


def test_few_people_have_no_lines_of_their_own(ada: User) -> None:
    study = make_group(ada, people=4, visits=2, smallest_cell=3)
    assert [(len(each.means), each.lines) for each in trajectories(group_of(study), "valence")] == [(2, ()), (2, ())]


def test_quality_counts_reasons_arms_and_versions(ada: User) -> None:
    study = make_group(ada, people=1, visits=2)
    visit = Participation.objects.filter(arm__name="treatment")[0].patient.visits.all()[0]
    add_reading(visit, ada, -0.2, version="0.9.0")
    for k, (state, reason) in enumerate([("rejected", "too_dark"), ("rejected", "too_dark"), ("no_face", "")]):
        photo = Photo.objects.create(visit=visit, width=1, height=1, fingerprint=f"bad {k}", uploaded_by=ada)
        Prediction.objects.create(photo=photo, state=state, reason=reason, model_version="1.0.0")
    Photo.objects.filter(visit=visit)[0].exclude("blink", ada)
    quality = quality_of(group_of(study))
    assert (quality.photos, quality.unusable, quality.excluded, quality.most) == (13, 3, 1, 2)
    assert quality.reasons == [("too dark", 2), ("no face found", 1)]
    assert quality.by_arm == [("treatment", 3, 9), ("waiting list", 0, 4)]
    assert [(each.version, each.photos, each.visits, each.people) for each in quality.read_by] == [
        ("1.0.0", 7, 4, 2),
        ("0.9.0", 2, 1, 1),
    ]
    assert quality.per_visit == (2, 2, 3)


def test_consent_is_asked_for_at_every_look(ada: User) -> None:
    study = make_group(ada, people=1)
    Consent.objects.filter(purpose="research").delete()
    assert group_of(study).people == []
