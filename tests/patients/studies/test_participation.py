"""Patients join studies with their consent, change arms, leave, and are out the moment they withdraw."""

from datetime import date

import pytest
from django.conf import LazySettings

from patients.consent.consent import withdraw_consent
from patients.models import AccessLog, Arm, Consent, Participation, Patient, Study, User
from patients.studies.counts import study_rows
from patients.studies.participation import NoResearchConsent, join, leave
from tests.factories import make_patient, make_study, make_visit

pytestmark = pytest.mark.django_db

BOTH = (Consent.Purpose.CARE, Consent.Purpose.RESEARCH)


@pytest.fixture
def omar(ada: User) -> Patient:
    """Return a patient who consents to research, with three visits: one before the study, two in it."""
    patient = make_patient(ada, name="Omar Haddad", consents=BOTH)
    for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 2)):
        make_visit(patient, day)
    return patient


@pytest.fixture
def study(ada: User) -> Study:
    """Return a study of two arms without participants."""
    return make_study(ada, arms=("treatment", "waiting list"))


def arm(study: Study, name: str = "treatment") -> Arm:
    return study.arms.get(name=name)


def counts(user: User, study: Study) -> tuple[int, int, int]:
    (row,) = study_rows(user, study)
    return row.participants, row.visits, row.withdrew


def test_patient_joins_with_research_consent_alone(ada: User, ines: Patient, omar: Patient, study: Study) -> None:
    with pytest.raises(NoResearchConsent):
        join(ines, arm(study), ada, ada)
    assert join(omar, arm(study), ada, ada).is_current
    assert counts(ada, study) == (1, 2, 0)
    entry = AccessLog.objects.get(action="add")
    assert (entry.object_kind, entry.detail) == ("participation", {"study": str(study.pk), "arm": arm(study).pk})


def test_withdrawal_takes_everything_out_at_once_and_a_new_consent_does_not_bring_it_back(
    ada: User, omar: Patient, study: Study
) -> None:
    join(omar, arm(study), ada, ada)
    withdraw_consent(omar.consents.get(purpose="research"), ada, ada)
    assert counts(ada, study) == (0, 0, 1)
    Consent.give(omar, Consent.Purpose.RESEARCH, ada, on=date(2026, 4, 1))
    assert counts(ada, study) == (0, 0, 1)
    join(omar, arm(study), ada, ada)
    assert counts(ada, study) == (1, 2, 0)


def test_participation_does_not_count_where_the_consent_ended_otherwise(ada: User, omar: Patient, study: Study) -> None:
    join(omar, arm(study), ada, ada)
    omar.consents.filter(purpose="research").delete()
    assert counts(ada, study) == (0, 0, 0)


def test_visits_after_leaving_are_no_part_of_the_study(ada: User, omar: Patient, study: Study) -> None:
    participation = join(omar, arm(study), ada, ada)
    assert leave(participation, ada)
    assert not leave(participation, ada)
    Participation.objects.update(left_on=date(2026, 2, 1))
    assert counts(ada, study) == (1, 1, 0)
    Participation.objects.update(left_on=None)
    Study.objects.update(closed_on=date(2026, 1, 1))
    assert counts(ada, study) == (1, 1, 0)


def test_covers_says_of_each_day_what_the_count_says(ada: User, omar: Patient, study: Study) -> None:
    participation = join(omar, arm(study), ada, ada)
    assert [participation.covers(visit.date) for visit in omar.visits.order_by("date")] == [False, True, True]
    participation.left_on = date(2026, 2, 1)
    assert [participation.covers(visit.date) for visit in omar.visits.order_by("date")] == [False, True, False]


def test_another_arm_keeps_number_and_day(ada: User, omar: Patient, study: Study) -> None:
    first = join(omar, arm(study), ada, ada)
    second = join(omar, arm(study, "waiting list"), ada, ada)
    assert (second.pk, second.number, second.joined_on) == (first.pk, first.number, first.joined_on)
    assert second.arm.name == "waiting list"
    join(omar, arm(study, "waiting list"), ada, ada)
    assert list(AccessLog.objects.filter(object_kind="participation").values_list("action", flat=True)) == ["add", "edit"]


def test_study_number_lasts_differs_between_studies_and_holds_no_id(ada: User, omar: Patient, study: Study) -> None:
    number = join(omar, arm(study), ada, ada).number
    assert number == Study.objects.get(pk=study.pk).number_of(Patient.objects.get(pk=omar.pk))
    assert len(number) == 8
    assert make_study(ada).number_of(omar) != number
    assert study.number_of(make_patient(ada, name="Mara")) != number


def test_study_number_depends_on_the_key(omar: Patient, study: Study, settings: LazySettings) -> None:
    number = study.number_of(omar)
    settings.SEARCH_KEY = "another key"
    assert study.number_of(omar) != number
