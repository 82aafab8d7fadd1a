"""Names that a process remembers: the right ones, and not for long."""

import pytest
from django.db.models import F, TextField
from django.db.models.functions import Cast
from pytest_django import DjangoAssertNumQueries

from patients.models import Patient, Team, User
from patients.models.names import Search
from patients.timeline import directory
from patients.timeline.directory import KEPT_SECONDS, Directories, directory_of, read
from patients.timeline.summaries import outdated_patients, refresh
from tests.factories import make_clinician, make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list with the time in seconds, which a test changes."""
    now = [0.0]
    monkeypatch.setattr("patients.timeline.directory.time.monotonic", lambda: now[0])
    return now


def names_of(user: User) -> list[str]:
    """Return the folded names in the user's directory, which is up to date, in its order."""
    found = directory_of(user)
    spelt = {held[0]: spelt for held, spelt in found.names.items()}
    return [spelt[key].names[0] for key in found.found(Search(""))]


def test_the_directory_follows_every_change_of_names_and_care(ada: User, bo: User) -> None:
    zoe = make_patient(ada, name="Zoë Berg")
    make_patient(bo, name="Tom Said")
    assert names_of(ada) == ["zoe berg"]
    ines = make_patient(ada, name="Ines Moreau")
    assert names_of(ada) == ["ines moreau", "zoe berg"]
    zoe.name = "Ada Berg"
    zoe.save(update_fields=["name"])
    assert names_of(ada) == ["ada berg", "ines moreau"]
    team = Team.objects.create(name="Day clinic")
    team.memberships.create(clinician=ada)
    assignment = team.assignments.create(patient=Patient.objects.in_care_of(bo).get())
    assert names_of(ada) == ["ada berg", "ines moreau", "tom said"]
    assignment.delete()
    ines.delete()
    assert names_of(ada) == ["ada berg"]


def test_two_patients_who_change_places_are_noticed(ada: User, bo: User) -> None:
    ines, tom = make_patient(ada, name="Ines Moreau"), make_patient(bo, name="Tom Said")
    assert names_of(ada) == ["ines moreau"]
    ada.assignments.update(patient=tom)
    bo.assignments.update(patient=ines)
    assert names_of(ada) == ["tom said"]


def test_nothing_is_decrypted_again_and_the_state_alone_is_asked_for(
    ada: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_patient(ada, name="Ines Moreau")
    names_of(ada)
    opened: list[str] = []

    def open_it(name: str, key: str, text: str) -> str:
        opened.append(text)
        return "Tom Said"

    monkeypatch.setattr(directory, "_opened", open_it)
    with django_assert_num_queries(2):
        assert len(directory_of(ada)) == 1
    make_patient(ada, name="Tom Said")
    assert names_of(ada) == ["ines moreau", "tom said"]
    assert len(opened) == 2  # name and number of the new patient


def test_name_of_another_patient_is_left_out_and_never_remembered(ada: User) -> None:
    make_patient(ada, name="Ines Moreau")
    other = make_patient(ada, name="Tom Said")
    Patient.objects.filter(pk=other.pk).update(name=Cast(F("record_number"), TextField()))
    for _ in range(2):
        assert names_of(ada) == ["ines moreau"]
        assert {key.replace("-", "") for key in directory_of(ada).broken} == {other.pk.hex}


@pytest.mark.parametrize(
    "words", ["more", "MOREAU ines", "r-17", "17 more", "ë", "jean pierre", "jeanpierre", "'", "-", "b", "absent"]
)
def test_a_search_finds_what_looking_at_each_name_finds(ada: User, words: str) -> None:
    for number, name in enumerate(["Inès Moreau", "Ines Berg", "Jean-Pierre Müller", "Zoë Çelik", "Bo", "Zoë Çelik"]):
        make_patient(ada, name=name, record_number=f"R-1{number}")
    expected = {each.pk.hex for each in ada.patients.all() if Search(words).finds(each.name, each.record_number)}
    assert {key.replace("-", "") for key in directory_of(ada).found(Search(words))} == expected


def test_patients_with_one_name_share_a_rank(ada: User) -> None:
    for name in ("Zoë Berg", "Ines Moreau", "Zoe Berg"):
        make_patient(ada, name=name)
    assert sorted(directory_of(ada).ranks.values()) == [0, 1, 1]


def test_what_no_list_asked_for_during_an_hour_is_dropped(clock: list[float], ada: User, bo: User) -> None:
    kept = Directories()
    for user in (ada, bo):
        make_patient(user)
    refresh(outdated_patients())
    state = {user: read(user, {}).state for user in (ada, bo)}
    first = kept.of(ada, state[ada])
    clock[0] = KEPT_SECONDS / 2
    kept.of(bo, state[bo])
    assert kept.of(ada, state[ada]) is first
    clock[0] = KEPT_SECONDS * 1.2
    kept.of(bo, state[bo])
    clock[0] = KEPT_SECONDS * 1.6
    kept.of(bo, state[bo])
    assert [key[0] for key in kept._kept] == [bo.pk]


def test_the_longest_unused_names_go_first(ada: User, bo: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MOST", 3)
    kept, eve = Directories(), make_clinician("Dr Eve Roth", "eve@clinic.test")
    for user in (ada, bo, eve):
        make_patient(user)
        make_patient(user)
    for user in (ada, bo, ada, eve):
        kept.of(user, read(user, {}).state)
    assert [key[0] for key in kept._kept] == [eve.pk]
