"""The list as the database sorts it: the same as sorting every row by hand."""

from datetime import date, timedelta
from itertools import product
from operator import attrgetter
from random import Random
from typing import NamedTuple
from uuid import UUID

import pytest
from django.utils import timezone

from patients.models import LastViewed, PatientSummary, Team, User
from patients.models.names import Search, folded
from patients.timeline.caseload import FILTERS, ORDERS, Asked, Caseload
from patients.timeline.summaries import outdated_patients, refresh
from tests.factories import make_patient

pytestmark = pytest.mark.django_db
NAMES = ("Ines Moreau", "Inès Moreau", "Tom Berg", "Zoë Çelik", "Bo", "Ada Said", "Łucja Nowak")


@pytest.fixture
def team(ada: User) -> Team:
    """Return a team that looks after some of thirty patients of Dr Ada, who have few days and values between them."""
    random, team, now = Random(7), Team.objects.create(name="Day clinic"), timezone.now()
    patients = [make_patient(ada, name=random.choice(NAMES)) for _ in range(30)]
    refresh(outdated_patients())
    for patient in patients:
        facts = {
            "last_on": random.choice([None, date(2026, 3, 1), date(2026, 9, 1)]),
            "valence": random.choice([None, -0.25, 0.1, 0.1 + 0.2]),
            "place": random.choice([None, -1, 0, 1]),
            "read_at": random.choice([None, now]),
            **{name: random.choice([0, 0, 0, 2]) for name in ("to_choose", "refused", "on_the_way")},
        }
        PatientSummary.objects.filter(patient=patient).update(**facts)
        if random.random() < 0.4:
            LastViewed.objects.create(patient=patient, clinician=ada, viewed_at=now + random.choice([-1, 1]) * timedelta(days=1))
        if random.random() < 0.5:
            team.assignments.create(patient=patient)
    return team


class Row(NamedTuple):
    """All that the order depends on, but for the id: it decides between two rows that say the same."""

    name: str
    is_new: bool
    visit: date | None
    valence: float | None
    range: int | None
    photos: int


class ByHand:
    """All rows, read once, and filtered and sorted in Python."""

    def __init__(self, ada: User, team: Team) -> None:
        viewed = dict(LastViewed.objects.filter(clinician=ada).values_list("patient", "viewed_at"))
        self.of_team = set(team.assignments.values_list("patient", flat=True))
        self.patients = {patient.pk: patient for patient in ada.patients.select_related("summary")}
        self.rows: dict[UUID, Row] = {}
        for key, patient in self.patients.items():
            each, seen_at = patient.summary, viewed.get(key)
            is_new = each.read_at is not None and not (seen_at and seen_at >= each.read_at)
            photos = each.to_choose + each.refused + each.on_the_way
            self.rows[key] = Row(folded(patient.name), is_new, each.last_on, each.valence, each.place, photos)

    def passes(self, key: UUID, asked: Asked) -> bool:
        """Whether the patient is asked for."""
        patient, each = self.patients[key], self.patients[key].summary
        shows = {"new": self.rows[key].is_new, "needs-you": each.to_choose + each.refused, "waiting": each.on_the_way, "": True}
        in_team = not asked.team or key in self.of_team
        return bool(shows[asked.show]) and in_team and Search(asked.words).finds(patient.name, patient.record_number)

    def listed(self, asked: Asked) -> list[Row]:
        """Return the rows that are asked for, all of them, in order."""
        passing = sorted(key for key in self.rows if self.passes(key, asked))
        rows = sorted((self.rows[key] for key in passing), key=lambda row: row.name)
        rows.sort(key=lambda row: row.visit or date.min, reverse=True)
        rows.sort(key=lambda row: not row.is_new)
        if not asked.sort:
            return rows
        value = attrgetter(asked.sort.removeprefix("-"))
        known = [row for row in rows if value(row) is not None]
        known.sort(key=value, reverse=asked.sort.startswith("-"))
        return known + [row for row in rows if value(row) is None]


@pytest.mark.parametrize("sort", ["", *ORDERS, *(f"-{name}" for name in ORDERS)])
def test_the_database_sorts_as_python_does(ada: User, team: Team, sort: str) -> None:
    by_hand = ByHand(ada, team)
    for show, of_team, words in product(("", *FILTERS), ("", str(team.pk)), ("", "moreau", "e")):
        rows = by_hand.listed(Asked(words, show, of_team, sort))
        for most in (None, 1, 4):
            found = Caseload(ada, Asked(words, show, of_team, sort, most)).found
            assert [by_hand.rows[key]._replace(is_new=is_new) for key, is_new in found.shown.items()] == rows[:most]
            assert found.in_all == len(rows)


def test_the_totals_count_what_is_listed(ada: User, team: Team) -> None:
    by_hand = ByHand(ada, team)
    for of_team in ("", str(team.pk)):
        totals = Caseload(ada, Asked(team=of_team)).totals
        assert totals.total == 30
        assert totals.in_team == len(by_hand.listed(Asked(team=of_team)))
        assert totals.counts == {show: len(by_hand.listed(Asked(show=show, team=of_team))) for show in FILTERS}
