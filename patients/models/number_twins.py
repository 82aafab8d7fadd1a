"""Patients whose record numbers are one and the same: entered before numbers were compared in their canonical form."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from patients.models.patient import Patient, record_number_hash

AT_ONCE = 500
HashOf = Callable[[str], str]


@dataclass(frozen=True)
class _Row:
    pk: object
    hash: str
    """As it should be."""
    twin: int
    is_right: bool
    """Whether the row has that hash already."""


def rehash(model: Any = Patient, hash_of: HashOf = record_number_hash) -> int:  # Any: in a migration the model as it was then
    """Give every patient the hash of their record number in its canonical form; return how many had another.

    Of several with the same number the first that was added is found as before; the others become twins 1, 2 and so on. Twins
    are found by the number too. Run again it changes nothing.
    """
    taken: defaultdict[str, set[int]] = defaultdict(set)
    rows = list(_rows(model, hash_of))
    for row in rows:
        if row.is_right:
            taken[row.hash].add(row.twin)
    changed = []
    for row in rows:
        if not row.is_right:
            free = next(number for number in count() if number not in taken[row.hash])
            taken[row.hash].add(free)
            changed.append(model(pk=row.pk, record_number_hash=row.hash, record_number_twin=free))
    # Twins first: a former hash may be what another patient gets now, and (hash, twin) is unique at every moment.
    changed.sort(key=lambda patient: -patient.record_number_twin)
    model.objects.bulk_update(changed, ["record_number_hash", "record_number_twin"], batch_size=AT_ONCE)
    return len(changed)


def twins() -> list[list[Patient]]:
    """Return the patients who share a record number, those of one number together."""
    hashes = Patient.objects.filter(record_number_twin__gt=0).values("record_number_hash")
    together: defaultdict[str, list[Patient]] = defaultdict(list)
    for patient in Patient.objects.filter(record_number_hash__in=hashes).order_by("record_number_twin"):
        together[patient.record_number_hash].append(patient)
    return [patients for patients in together.values() if len(patients) > 1]


def _rows(model: Any, hash_of: HashOf) -> Iterator[_Row]:  # Any: in a migration the model as it was then
    read = model.objects.order_by("created_at", "pk").only("pk", "record_number", "record_number_hash", "record_number_twin")
    for patient in read.iterator(chunk_size=AT_ONCE):
        hashed = hash_of(patient.record_number)
        yield _Row(patient.pk, hashed, patient.record_number_twin, hashed == patient.record_number_hash)
