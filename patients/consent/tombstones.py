"""The list of erasures that were carried out: it outlives the database, and tells a restored one what to erase again.

One line of JSON each, in a file beside the keys of patients: pseudonym, level and time, and nothing else about anyone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from encryption import patient_keys
from patients.models import ErasureRequest, Patient, User
from patients.models.access import moment, pseudonym

FILE_NAME = "erased.jsonl"
Level = ErasureRequest.Level


@dataclass(frozen=True, order=True)
class Tombstone:
    """One erasure. `done_at` is ISO 8601 in UTC."""

    done_at: str
    pseudonym: str
    level: str

    @classmethod
    def of(cls, request: ErasureRequest) -> Tombstone:
        """Return the tombstone of a request that is done."""
        assert request.done_at is not None
        return cls(moment(request.done_at), request.pseudonym, request.level)

    @classmethod
    def from_line(cls, line: str) -> Tombstone:
        """Return the tombstone that a line holds. Raises ValueError for any other line."""
        try:
            facts = json.loads(line)
            made = cls(str(facts["done_at"]), str(facts["pseudonym"]), Level(facts["level"]).value)
            datetime.fromisoformat(made.done_at)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"This is no line of a list of erasures: {line[:80]!r}") from error
        return made

    @property
    def line(self) -> str:
        """The tombstone as one line of text."""
        return json.dumps(asdict(self), sort_keys=True)


def path() -> Path:
    """Return the file that each erasure adds a line to: its mirror is never older than that of the keys."""
    return Path(settings.PATIENT_KEYS) / FILE_NAME


def leave(request: ErasureRequest) -> None:
    """Add the tombstone of a request to the file, and sync it to disk."""
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(Tombstone.of(request).line + "\n")  # one write: lines of two hosts do not mix
        file.flush()
        os.fsync(file.fileno())


def own_lines() -> list[str]:
    """Return the lines of the file; none before the first erasure."""
    return path().read_text().splitlines() if path().exists() else []


def known() -> list[Tombstone]:
    """Return every erasure that the database or the file knows, oldest first."""
    done = ErasureRequest.objects.filter(state=ErasureRequest.State.DONE)
    return sorted({*map(Tombstone.from_line, own_lines()), *map(Tombstone.of, done)})


def missing(tombstones: Iterable[Tombstone]) -> Iterator[tuple[Tombstone, Patient]]:
    """Yield the erasures that this database has forgotten, with the patients whom it still has: it is older than they are."""
    here = {pseudonym(key): key for key in Patient.objects.values_list("pk", flat=True)}
    done = set(map(Tombstone.of, ErasureRequest.objects.filter(state=ErasureRequest.State.DONE)))
    for each in sorted(set(tombstones) - done):
        if key := here.get(each.pseudonym):
            yield each, Patient.objects.get(pk=key)


def ask_again(tombstone: Tombstone, patient: Patient, by: User) -> ErasureRequest:
    """Return a request for the same erasure, due now.

    Without keys nothing is left of an anonymised patient's numbers that opens: then everything goes.
    """
    level = tombstone.level
    if level == Level.ANONYMISE and not patient_keys.has(patient.pk):
        level = Level.ALL.value
    with transaction.atomic():
        return ErasureRequest.queue(patient, level, by, ErasureRequest.Cause.REQUEST)


def keyless() -> list[UUID]:
    """Return the patients who have no keys: erased after this database was saved, or lost with their keys."""
    return [key for key in Patient.objects.values_list("pk", flat=True) if not patient_keys.has(key)]
