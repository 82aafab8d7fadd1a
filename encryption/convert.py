"""Seals what was stored before values were bound to their rows, and takes that back: for the migration that does it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction

from encryption import patient_keys
from encryption.fields import Sealed
from encryption.keys import Ring
from encryption.legacy import START, fernet
from encryption.seal import MAGIC, TEXT_START, Place, SealBroken, from_text, house_ring, seal, to_text, unseal
from encryption.storage import sealed_storage

log = logging.getLogger(__name__)
AT_ONCE = 200
Model = Any  # a historical model: it has none of our classes


@dataclass(frozen=True)
class Table:
    """One model whose values are converted: the way to the patient, what names a row, its fields and its files.

    `files` pairs a file with the field of its hash, if any.
    """

    model: str
    owner: str
    fields: tuple[str, ...]
    row: tuple[str, ...] = ("pk",)
    files: tuple[tuple[str, str], ...] = ()
    of_picture: tuple[str, ...] = ()  # the fields that go with the pictures

    def place(self, field: str, row: tuple[Any, ...], owner: UUID | None) -> Place:
        """Return the place of a field of one row."""
        return Place(self.model, field, "\n".join(map(str, row)), str(owner or ""))


Change = Callable[[Ring, Place, Any], Any]


def seal_value(ring: Ring, place: Place, value: Any) -> Any:  # Any: text or bytes
    """Return a value of before as it is sealed now. What is sealed already stays. Raises InvalidToken."""
    content = value.encode() if isinstance(value, str) else bytes(value)
    if content.startswith((MAGIC, TEXT_START.encode())):
        return value
    sealed = seal(ring, place, fernet().decrypt(content) if content.startswith(START) else content)
    return to_text(sealed) if isinstance(value, str) else sealed


def unseal_value(ring: Ring, place: Place, value: Any, is_plain: bool = False) -> Any:  # Any: text or bytes
    """Return a value as it was before. Raises SealBroken."""
    content = from_text(value, place) if isinstance(value, str) else bytes(value)
    if not content.startswith(MAGIC):
        return value
    plain = unseal(ring, place, content)
    former = plain if is_plain else fernet().encrypt(plain)
    return former.decode() if isinstance(value, str) else former


def convert(model: Model, table: Table, change: Change) -> int:
    """Apply `change` to every value of a table, in portions that are committed. Return how many did not open; they stay."""
    lost = 0
    for rows in _portions(model, table):
        with transaction.atomic():
            for pk, owner, *values in rows:
                row, values = tuple(values[: len(table.row)]), values[len(table.row) :]
                lost += _convert_row(model, table, change, pk, owner, row, dict(zip(_names(table), values, strict=True)))
    if lost:
        log.error("%s: %d values open with no key and stay as they are", table.model, lost)
    return lost


def _names(table: Table) -> tuple[str, ...]:
    return (*table.fields, *(name for pair in table.files for name in pair if name))


def _portions(model: Model, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    rows = model.objects.order_by("pk").values_list("pk", table.owner, *table.row, *_names(table))
    last = None
    while portion := list((rows if last is None else rows.filter(pk__gt=last))[:AT_ONCE]):
        yield portion
        last = portion[-1][0]


def _convert_row(
    model: Model, table: Table, change: Change, pk: Any, owner: UUID | None, row: tuple[Any, ...], values: dict[str, Any]
) -> int:
    keys, new, lost = patient_keys.find_or_make(owner) if owner else None, dict[str, Any](), 0
    record, pictures = (keys.record_ring, keys.pictures_ring) if keys else (house_ring(), house_ring())
    attempts: list[Callable[[], dict[str, Any]]] = [
        partial(
            _field,
            pictures if name in table.of_picture else record,
            table.place(name, row, owner),
            name,
            values[name].value,
            change,
        )
        for name in table.fields
        if isinstance(values[name], Sealed)
    ]
    attempts += [
        partial(_file, pictures, table.place(name, row, owner), name, values[name], hash_name, values.get(hash_name, ""), change)
        for name, hash_name in table.files
        if values[name]
    ]
    for attempt in attempts:
        try:
            new |= attempt()
        except (InvalidToken, SealBroken, FileNotFoundError):
            lost += 1
    if new:
        model.objects.filter(pk=pk).update(**new)
    return lost


def _field(ring: Ring, place: Place, name: str, value: Any, change: Change) -> dict[str, Any]:
    changed = change(ring, place, value)
    return {} if changed == value else {name: Sealed(changed)}


def _file(ring: Ring, place: Place, name: str, path: str, hash_name: str, known: str, change: Change) -> dict[str, Any]:
    sealed = sealed_storage().read_sealed(path)
    changed = change(ring, place, sealed)
    if changed != sealed:
        sealed_storage().write_sealed(path, changed)
    is_sealed = changed.startswith(MAGIC)
    if is_sealed:
        unseal(ring, place, changed)  # its hash enters the row: not that of another file
    found = hashlib.sha256(changed).hexdigest() if is_sealed else ""
    return {hash_name: found} if hash_name and found != known else {}
