"""Fields that are unreadable in the database: sealed when their row is saved, opened when they are first read.

A value is bound to its table, field, row and patient. So a field needs the row: `QuerySet.update` refuses plain values (see
`sealed_values`), and `values_list` gives them sealed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from encryption.legacy import fernet
from encryption.seal import Place, from_text, seal, to_text, unseal
from encryption.sealing import is_historical, place_of, sealing_of
from encryption.watch import watched


class Sealed:
    """A value as the database holds it, not opened yet."""

    __slots__ = ("value",)

    def __init__(self, value: str | bytes) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


class OpenedWhenRead(DeferredAttribute):
    """The attribute of a sealed field: opens the value when it is first read, and keeps it."""

    field: SealedMixin

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:  # Any: Django's own signature
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = self.field.opened(instance, value)
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:  # Any: what the field holds
        instance.__dict__[self.field.attname] = value


class SealedMixin(models.Field):  # type: ignore[type-arg]  # generic only in the stubs
    """What every sealed field has in common. Empty text and None stay as they are: they tell only that nothing is there."""

    descriptor_class = OpenedWhenRead
    of_picture = False  # sealed with the key of the pictures, and gone with them

    def to_plain(self, value: Any) -> bytes:  # Any: what the field holds
        """Return the value as bytes."""
        return str(value).encode()

    def from_plain(self, content: bytes) -> Any:  # Any: what the field holds
        """Return the value that `to_plain` made bytes of."""
        return content.decode()

    def get_internal_type(self) -> str:
        return "TextField"

    def opened(self, instance: models.Model, sealed: Sealed) -> Any:  # Any: what the field holds
        """Return the value of a row. Raises SealBroken, noted for the health page."""
        if is_historical(type(instance)):
            return self.from_plain(fernet().decrypt(_as_bytes(sealed.value)))
        sealing = sealing_of(type(instance))
        return self.opened_at(place_of(instance, self), sealed, sealing.owner_of(instance))

    def opened_at(self, place: Place, sealed: Sealed, owner: Any) -> Any:  # Any: an id, and what the field holds
        """Return the value that belongs to `place`, for rows that are read without their model. Raises SealBroken."""
        with watched(place):
            content = from_text(sealed.value, place) if isinstance(sealed.value, str) else sealed.value
            return self.from_plain(unseal(sealing_of(self.model).ring_of(owner), place, content))

    def sealed(self, instance: models.Model, value: Any, is_new: bool = False) -> Any:  # Any: what the field holds
        """Return the value of a row as the database will hold it."""
        if value is None or value == "" or isinstance(value, Sealed):
            return value
        if is_historical(type(instance)):
            return self._packed(fernet().encrypt(self.to_plain(value)))
        sealing = sealing_of(type(instance))
        ring = sealing.ring_of(sealing.owner_of(instance), self.of_picture, sealing.makes_key(is_new))
        return self._packed(seal(ring, place_of(instance, self), self.to_plain(value)))

    def _packed(self, sealed: bytes) -> Sealed:
        return Sealed(sealed.decode() if sealed.startswith(b"gAAAA") else to_text(sealed))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # Any: Django's own signature
        held = model_instance.__dict__.get(self.attname)
        value = held if isinstance(held, Sealed) else super().pre_save(model_instance, add)
        return self.sealed(model_instance, value, add)

    def get_prep_value(self, value: Any) -> Any:  # Any: Django's own signature
        if isinstance(value, Sealed):
            return value.value
        if value is None or value == "":
            return value
        raise TypeError(f"{self.name} is sealed by row: save the row, or use sealed_values. It cannot be searched.")

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # Any: Django's own signature
        return value if prepared else self.get_prep_value(value)

    def from_db_value(self, value: Any, *_: object) -> Any:  # Any: what the column holds
        return value if value is None or value == "" else Sealed(value)


class EncryptedTextField(SealedMixin, models.TextField):  # type: ignore[type-arg]  # generic only in the stubs
    """Sealed text. Queries can neither search it nor order by it."""


class PictureNameField(EncryptedTextField):
    """Sealed text that goes with a picture."""

    of_picture = True


class EncryptedBinaryField(SealedMixin, models.BinaryField):  # type: ignore[type-arg]  # generic only in the stubs
    """The sealed bytes of a picture."""

    of_picture = True

    def to_plain(self, value: Any) -> bytes:  # Any: bytes, or what a database gives for them
        return bytes(value)

    def from_plain(self, content: bytes) -> bytes:
        return content

    def get_internal_type(self) -> str:
        return "BinaryField"

    def _packed(self, sealed: bytes) -> Sealed:
        return Sealed(sealed)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # Any: Django's own signature
        sealed = value if prepared else self.get_prep_value(value)
        return None if sealed is None else connection.Database.Binary(sealed)

    def from_db_value(self, value: Any, *_: object) -> Any:  # Any: what the column holds
        return None if value is None else Sealed(bytes(value))


class EncryptedCharField(SealedMixin, models.CharField):  # type: ignore[type-arg]  # generic only in the stubs
    """A sealed short text, for example one of several choices."""


class EncryptedSmallIntegerField(SealedMixin, models.PositiveSmallIntegerField):  # type: ignore[type-arg]  # generic only in the stubs
    """A sealed whole number, 0 or above."""

    @property
    def validators(self) -> list[Any]:  # Any: Django's own type
        """The limits: at least 0, and what the field says. Django's own asks the database for those of a number."""
        return [MinValueValidator(0), *self._validators]  # type: ignore[attr-defined]  # not in the stubs

    def to_plain(self, value: Any) -> bytes:  # Any: a number, or the text of one
        """Raise ValidationError for a number outside the limits: once it is sealed, the database cannot refuse it."""
        self.run_validators(int(value))
        return super().to_plain(int(value))

    def from_plain(self, content: bytes) -> int:
        return int(content)


class EncryptedDateField(SealedMixin, models.DateField):  # type: ignore[type-arg]  # generic only in the stubs
    """A sealed day."""

    def to_plain(self, value: Any) -> bytes:  # Any: a day, or the text of one
        return value.isoformat().encode() if isinstance(value, date) else str(value).encode()

    def from_plain(self, content: bytes) -> date:
        return date.fromisoformat(content.decode())


def sealed_values(instance: models.Model, **values: Any) -> dict[str, Any]:  # Any: what the fields hold
    """Return `values` as `QuerySet.update` takes them, the sealed fields sealed for the row `instance`."""
    fields = {field.name: field for field in type(instance)._meta.concrete_fields}
    return {
        name: fields[name].sealed(instance, value) if isinstance(fields[name], SealedMixin) else value  # type: ignore[attr-defined]
        for name, value in values.items()
    }


def sealed_fields_of(model: type[models.Model]) -> list[SealedMixin]:
    """Return the sealed fields of a model."""
    return [field for field in model._meta.concrete_fields if isinstance(field, SealedMixin)]


def open_all(instance: models.Model) -> bool:
    """Open every sealed field of a row, so that it can be saved for another owner. Return whether any holds something."""
    held = [getattr(instance, field.attname) for field in sealed_fields_of(type(instance))]
    return any(value not in (None, "") for value in held)


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
