"""The stored files that belong to a database: pictures, and the files of tasks. They stay sealed all the way."""

import io
from collections.abc import Iterator
from typing import IO

from django.apps import apps
from django.db import models

from encryption.files import stored_files
from encryption.storage import sealed_storage

FOLDER = "pictures/"
"""Before the name of each in a backup."""


def named() -> set[str]:
    """Return the names of the files that a row names."""
    fields = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FileField)
    ]
    return {name for model, field in fields for name in model._default_manager.values_list(field, flat=True).iterator() if name}


def stored() -> Iterator[str]:
    """Yield the names of all files in the storage."""
    return stored_files(sealed_storage())


def opened(name: str) -> IO[bytes]:
    """Return a stored file as it is, sealed. Raises FileNotFoundError, StorageDown."""
    return io.BytesIO(sealed_storage().read_sealed(name))


def put(name: str, file: IO[bytes]) -> None:
    """Store a file, whole or not at all."""
    sealed_storage().put_sealed(name, file.read())


def delete(name: str) -> None:
    """Delete a stored file."""
    sealed_storage().delete(name)
