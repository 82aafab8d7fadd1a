"""Whose key seals a row, and how the row is named in its seals: what each model with sealed fields declares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import models

from encryption import patient_keys
from encryption.keys import Ring
from encryption.seal import Place, house_ring


@dataclass(frozen=True)
class Sealing:
    """The sealing of a model.

    `owner` is the path from a row to the id of the patient, for example "visit.patient_id"; "pk" for a row that owns a key itself.
    `row` names what tells the row from all others and never changes: its key, where that is known before the row is inserted.
    `is_lazy`: the key of a row that owns one is made when it is first needed. Otherwise it is made when the row is inserted, and
    never again: a missing key must not be replaced. `may_have_none`: some rows belong to no patient; the field keys seal them.
    """

    owner: str
    row: tuple[str, ...] = ("pk",)
    is_lazy: bool = False
    may_have_none: bool = False

    @cached_property
    def _path(self) -> tuple[str, ...]:
        return tuple(self.owner.split("."))

    @cached_property
    def joins(self) -> tuple[str, ...]:
        """What to select with the rows (`select_related`), so that finding their owners takes no query."""
        return ("__".join(self._path[:-1]),) if len(self._path) > 1 else ()

    def owner_of(self, instance: models.Model) -> UUID | None:
        """Return the id of the owner of a row; None when it belongs to the installation."""
        found: Any = instance  # Any: a row or, at the end, an id
        for name in self._path:
            found = getattr(found, name)
        owner: UUID | None = found
        return owner

    def row_of(self, instance: models.Model) -> str:
        """Return what names the row in its seals."""
        return "\n".join(str(getattr(instance, name)) for name in self.row)

    def ring_of(self, owner: UUID | None, of_picture: bool = False, makes: bool = False) -> Ring:
        """Return the keys of an owner, made if there are none and `makes`. Raises SealBroken ("no_key").

        `of_picture`: to seal a picture, or what goes with it.
        """
        if owner is None:
            return house_ring()
        keys = patient_keys.find_or_make(owner) if makes else patient_keys.find(owner)
        return keys.pictures_ring if of_picture else keys.record_ring

    def makes_key(self, is_new: bool) -> bool:
        """Whether the key may be made for a row that is inserted (`is_new`) or changed."""
        return self.owner == "pk" and (is_new or self.is_lazy)


def sealing_of(model: type[models.Model]) -> Sealing:
    """Return what a model declares. Raises TypeError for a model with sealed fields that declares nothing."""
    sealing = getattr(model, "sealing", None)
    if not isinstance(sealing, Sealing):
        raise TypeError(f"{model.__name__} has sealed fields and does not say whose they are: it needs `sealing`.")
    return sealing


def place_of(instance: models.Model, field: models.Field[Any, Any]) -> Place:  # Any: fields of every kind
    """Return where the value of a field belongs."""
    sealing = sealing_of(type(instance))
    return Place(field.model._meta.label, field.name, sealing.row_of(instance), str(sealing.owner_of(instance) or ""))


def is_historical(model: type[models.Model]) -> bool:
    """Whether the model is one of a migration: what it reads and writes is sealed as it was before (encryption.legacy)."""
    return model.__module__ == "__fake__"
