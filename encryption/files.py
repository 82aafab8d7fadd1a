"""The names of stored files."""

import os
from collections.abc import Iterator
from typing import Protocol


class Folders(Protocol):
    """A storage whose files can be listed."""

    def listdir(self, path: str) -> tuple[list[str], list[str]]: ...


def stored_files(storage: Folders, folder: str = "") -> Iterator[str]:
    """Yield the name of every file."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:  # nothing was stored yet, or it was deleted a moment ago
        return
    for name in files:
        yield os.path.join(folder, name)
    for name in folders:
        yield from stored_files(storage, os.path.join(folder, name))
