"""Stored pictures and files: each sealed for its row, in a private folder or an object store. Files have no address."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import models
from django.db.models.fields.files import FieldFile

from encryption.patient_keys import UNFINISHED, exchange
from encryption.seal import HEAD_BYTES, Place, SealBroken, key_id_of, seal, unseal
from encryption.sealing import place_of, sealing_of
from encryption.watch import watched


class StorageDown(OSError):
    """The place of the files does not answer now. It says nothing about the file."""


class SealedStorage(Storage):
    """Where sealed files are kept. They are read and written whole, and have no URL."""

    def read_sealed(self, name: str, most: int | None = None) -> bytes:
        """Return the sealed bytes of a file, or the first `most` of them. Raises FileNotFoundError, StorageDown."""
        raise NotImplementedError

    def put_sealed(self, name: str, sealed: bytes) -> None:
        """Write the sealed bytes of a file, whole or not at all; others of the name are replaced."""
        raise NotImplementedError

    def write_sealed(self, name: str, sealed: bytes) -> bool:
        """Replace the sealed bytes of a file. Return False when the file is gone; it is not created again."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether files can be stored and read now, as far as a question of at most two seconds can tell."""
        raise NotImplementedError

    def url(self, name: str | None, *args: Any, **kwargs: Any) -> str:  # Any: those of other storages
        """Raise ValueError: only views that check access serve photos."""
        raise ValueError("Photos have no address of their own.")


def sealed_storage() -> SealedStorage:
    """Return the storage of this installation."""
    storage = storages["default"]
    assert isinstance(storage, SealedStorage)
    return storage


class PrivateStorage(SealedStorage, FileSystemStorage):
    """Keeps what SealedFileField has sealed in a folder."""

    def _save(self, name: str, content: File[bytes]) -> str:
        try:
            saved: str = super()._save(name, content)  # type: ignore[misc]  # not in the stubs
        except OSError:
            with contextlib.suppress(OSError):
                self.delete(name)  # the beginning of a file, on a disk that is full
            raise
        return saved

    def read_sealed(self, name: str, most: int | None = None) -> bytes:
        """Return the sealed bytes of a file, or the first `most` of them. Raises FileNotFoundError."""
        with Path(self.path(name)).open("rb") as file:
            return file.read(-1 if most is None else most)

    def put_sealed(self, name: str, sealed: bytes) -> None:
        """Write the sealed bytes of a file, whole or not at all; others of the name are replaced."""
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._unfinished(path, sealed) as new:
            os.replace(new, path)

    def write_sealed(self, name: str, sealed: bytes) -> bool:
        """Replace the sealed bytes of a file atomically. Return False when the file is gone; it is not created again."""
        path = Path(self.path(name))
        with self._unfinished(path, sealed) as new:
            return exchange(new, path)

    def answers(self) -> bool:
        """Whether the folder can be written; one that is not there yet, whether it can be made."""
        folder = Path(self.location)
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)

    @contextlib.contextmanager
    def _unfinished(self, path: Path, sealed: bytes) -> Iterator[Path]:
        """Yield a file beside `path` with the bytes, which are on disk; delete it if it is still there afterwards."""
        new = path.with_name(path.name + UNFINISHED)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.file_permissions_mode or 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            yield new
        finally:
            new.unlink(missing_ok=True)


class SealedFieldFile(FieldFile):
    """A file of a row: sealed when it is saved, opened when it is read. Reading raises SealBroken or FileNotFoundError."""

    field: SealedFileField
    storage: SealedStorage

    def save(self, name: str | None, content: File[Any], save: bool = True) -> None:  # Any: Django's own signature
        """Seal the content for the row and store it; note its hash in the row."""
        content.seek(0)
        sealing = sealing_of(type(self.instance))
        ring = sealing.ring_of(sealing.owner_of(self.instance), True, sealing.makes_key(self.instance._state.adding))
        sealed = seal(ring, self._place, content.read())
        if self.field.hash_field:
            setattr(self.instance, self.field.hash_field, hashlib.sha256(sealed).hexdigest())
        super().save(str(name), ContentFile(sealed), save)

    def has_key(self) -> bool:
        """Whether its key is still there: the pictures of its patient may have been erased since it was stored."""
        sealing = sealing_of(type(self.instance))
        head = self.storage.read_sealed(str(self.name), HEAD_BYTES)
        return sealing.ring_of(sealing.owner_of(self.instance)).find(key_id_of(head)) is not None

    def opened(self) -> bytes:
        """Return the content of the file."""
        self._require_file()  # type: ignore[attr-defined]  # not in the stubs
        sealed = self.storage.read_sealed(str(self.name))
        with watched(self._place):
            known = getattr(self.instance, self.field.hash_field) if self.field.hash_field else ""
            if known and hashlib.sha256(sealed).hexdigest() != known:
                raise SealBroken("other_file", self._place)
            sealing = sealing_of(type(self.instance))
            return unseal(sealing.ring_of(sealing.owner_of(self.instance)), self._place, sealed)

    def open(self, mode: str = "rb") -> SealedFieldFile:  # type: ignore[override]  # the stubs name the base class
        """Open the file for reading, from its beginning."""
        self.file.seek(0)
        return self

    def _get_file(self) -> File[Any]:  # Any: Django's own signature
        if getattr(self, "_file", None) is None:
            self._file: File[Any] = ContentFile(self.opened(), name=self.name)
        return self._file

    def _set_file(self, file: File[Any]) -> None:  # Any: Django's own signature
        self._file = file

    def _del_file(self) -> None:
        del self._file

    file = property(_get_file, _set_file, _del_file)

    @property
    def _place(self) -> Place:
        return place_of(self.instance, self.field)


class SealedFileField(models.FileField):
    """A file that is sealed for its row. `hash_field` names the field of the row that keeps the SHA-256 of the sealed file."""

    attr_class = SealedFieldFile

    def __init__(self, *args: Any, hash_field: str = "", **kwargs: Any) -> None:  # Any: Django's own signature
        self.hash_field = hash_field
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:  # Any: Django's own signature
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | ({"hash_field": self.hash_field} if self.hash_field else {})
