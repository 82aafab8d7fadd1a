"""Where the photos of an import go: days, nights, duplicates, and what a person must decide."""

from datetime import date, datetime

import pytest
from django.conf import LazySettings

from patients.models import Patient, User, Visit
from patients.photos.checks import sha_fingerprint
from patients.photos.import_plan import FoundFile, Kind, Plan, plan_import
from tests.factories import make_patient, make_photo, make_visit

SEPTEMBER = datetime(2026, 9, 10, 10, 0)


def found(*taken: datetime | None, first: int = 0) -> list[FoundFile]:
    return [FoundFile(index, f"{index:064x}", moment) for index, moment in enumerate(taken, start=first)]


def days(plan: Plan) -> list[tuple[str, list[int]]]:
    return [(row.key, row.files) for row in plan.rows]


def known(visit: Visit, index: int) -> None:
    """Store a photo whose file is the one at `index`."""
    make_photo(visit, sha_fingerprint=sha_fingerprint(f"{index:064x}"))


def test_photos_are_grouped_by_the_day_of_the_camera(ada: User, ines: Patient) -> None:
    other = datetime(2026, 10, 1, 9, 30)
    plan = plan_import(ines, found(other, SEPTEMBER, SEPTEMBER), ada)
    assert days(plan) == [("2026-09-10", [1, 2]), ("2026-10-01", [0])]
    assert [row.visit for row in plan.rows] == [None, None]
    assert (plan.found, plan.to_add, plan.new_days) == (3, 3, [date(2026, 9, 10), date(2026, 10, 1)])


def test_a_day_with_a_visit_goes_there(ada: User, ines: Patient) -> None:
    visit = make_visit(ines, SEPTEMBER.date())
    make_photo(visit)
    (row,) = plan_import(ines, found(SEPTEMBER), ada).rows
    assert (row.visit, row.room, row.to_add) == (visit, 59, 1)


def test_a_night_stays_with_the_day_before_while_it_goes_on(ada: User, ines: Patient) -> None:
    night = [datetime(2026, 9, 10, 23, 50), datetime(2026, 9, 11, 0, 40), datetime(2026, 9, 11, 2, 0), datetime(2026, 9, 11, 8, 0)]
    plan = plan_import(ines, found(*night), ada)
    assert days(plan) == [("2026-09-10", [0, 1, 2]), ("2026-09-11", [3])]
    assert [row.after_midnight for row in plan.rows] == [2, 0]
    whole = plan_import(ines, found(*night), ada, {date(2026, 9, 11)})
    assert days(whole) == [("2026-09-10", [0]), ("2026-09-11", [1, 2, 3])]


def test_a_day_that_goes_on_past_noon_is_a_day_of_its_own(ada: User, ines: Patient) -> None:
    hours = [datetime(2026, 9, 10, 23, 0), *(datetime(2026, 9, 11, hour, 30) for hour in (1, 4, 7, 10, 13))]
    assert days(plan_import(ines, found(*hours), ada)) == [("2026-09-10", [0, 1, 2, 3, 4]), ("2026-09-11", [5])]


def test_what_has_no_usable_day_is_for_a_person_to_decide(ada: User, ines: Patient) -> None:
    plan = plan_import(ines, found(None, datetime(2099, 1, 1), datetime(1990, 1, 1), SEPTEMBER), ada)
    assert [row.kind for row in plan.rows] == [Kind.DAY, Kind.FUTURE, Kind.UNBORN, Kind.UNDATED]
    assert [row.to_add for row in plan.rows] == [1, 0, 0, 0]
    assert [row.is_open for row in plan.rows] == [False, True, True, True]


def test_duplicates_are_told_apart(ada: User, bo: User, ines: Patient) -> None:
    same, other = make_visit(ines, SEPTEMBER.date()), make_visit(ines, date(2026, 3, 2))
    known(same, 0)
    known(other, 1)
    known(make_visit(make_patient(bo, name="Far Away")), 2)
    (row,) = plan_import(ines, [*found(*[SEPTEMBER] * 4), FoundFile(4, f"{3:064x}", SEPTEMBER)], ada).rows
    assert (row.here, row.elsewhere, row.foreign, row.fresh) == ([0, 4], [1], [2], [3])
    assert (row.duplicates, row.to_add, row.has_choice) == (3, 1, True)


def test_a_day_with_nothing_new_has_no_choice(ada: User, ines: Patient) -> None:
    known(make_visit(ines, SEPTEMBER.date()), 0)
    (row,) = plan_import(ines, found(SEPTEMBER), ada).rows
    assert (row.to_add, row.has_choice) == (0, False)


def test_what_a_visit_cannot_hold_stays_out(ada: User, ines: Patient, settings: LazySettings) -> None:
    settings.PHOTOS_PER_VISIT = 2
    (row,) = plan_import(ines, found(*[SEPTEMBER] * 3), ada).rows
    assert (row.to_add, row.out) == (2, 1)


@pytest.mark.django_db
def test_the_plan_takes_two_queries_whatever_its_size(ada: User, ines: Patient, django_assert_num_queries: object) -> None:
    for size in (1, 40):
        with django_assert_num_queries(2):  # type: ignore[operator]  # visits, and what is known of the files
            plan_import(ines, found(*[SEPTEMBER] * size), ada)
