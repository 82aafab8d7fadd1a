"""Names that a process remembers: the right ones, and not for long."""

import pytest

from encryption.fields import sealed_values
from encryption.patient_keys import find_or_make
from encryption.seal import SealBroken
from patients.models import Patient
from patients.models.known_names import KEPT_SECONDS, KnownNames
from patients.models.names import Search


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list with the time in seconds, which a test changes."""
    now = [0.0]
    monkeypatch.setattr("patients.models.known_names.time.monotonic", lambda: now[0])
    return now


def sealed(name: str, number: str) -> tuple[str, str, str]:
    """Return the id of a new patient, and both as the database holds them."""
    patient = Patient(name=name, record_number=number)
    find_or_make(patient.pk)
    stored = {name: value.value for name, value in sealed_values(patient, name=name, record_number=number).items()}
    return str(patient.pk), stored["name"], stored["record_number"]


@pytest.mark.django_db
def test_name_of_another_patient_is_not_remembered(clock: list[float]) -> None:
    (ines, *_), (_omar, *names) = sealed("Ines", "1"), sealed("Omar", "2")
    with pytest.raises(SealBroken):
        KnownNames().spelt((ines, names[0], names[1]))


def test_a_sealed_name_is_found_as_it_was_typed(clock: list[float]) -> None:
    known, ines = KnownNames(), sealed("Inès Moreau", "R-17")
    for _ in range(2):  # decrypted, and remembered
        spelt = known.spelt(ines)
        assert spelt.names[0] == "ines moreau"
        assert Search("more r-17").finds_in(spelt)
        assert not Search("lind").finds_in(spelt)


def test_what_lists_ask_for_stays_and_the_rest_is_dropped_after_an_hour_or_two(clock: list[float]) -> None:
    known, ines, omar = KnownNames(), sealed("Ines", "1"), sealed("Omar", "2")
    known.spelt(ines)
    known.spelt(omar)
    for hour in (1, 2, 3):
        clock[0] = hour * (KEPT_SECONDS + 1)
        known.age()
        known.spelt(ines)
    assert {**known.young, **known.old}.keys() == {ines}


def test_after_a_pause_no_name_is_left(clock: list[float]) -> None:
    known = KnownNames()
    known.spelt(sealed("Ines", "1"))
    clock[0] = 3 * KEPT_SECONDS
    known.age()
    assert (known.young, known.old) == ({}, {})


def test_memory_is_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.models.known_names.MOST", 3)
    known = KnownNames()
    for number in range(20):
        known.age()
        known.spelt(sealed("Ines", str(number)))
    assert len(known.young) + len(known.old) <= 8
    assert known.young.keys().isdisjoint(known.old)
