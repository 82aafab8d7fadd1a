"""The stored files that belong to a database: pictures, and the files of tasks. They stay sealed all the way."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.apps import apps
from django.conf import settings
from django.db import models

FOLDER = "pictures/"
"""Before the name of each in a backup."""


def root() -> Path:
    """Return the folder of stored files."""
    return Path(settings.MEDIA_ROOT)


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
    """Yield the names of all files in the folder."""
    for folder, _, names in os.walk(root()):
        for name in names:
            yield (Path(folder) / name).relative_to(root()).as_posix()


def put(name: str, file: IO[bytes]) -> None:
    """Write a stored file, readable by its user alone, whole or not at all."""
    path = root() / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.restored")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        shutil.copyfileobj(file, out, 1_000_000)
    os.replace(new, path)
