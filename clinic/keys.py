"""The keys of an installation, in files that only its user can read."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.fernet import Fernet

MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(64),
    "field_keys": lambda: Fernet.generate_key().decode(),
    "search_key": lambda: secrets.token_urlsafe(32),
}


def ensure_keys(folder: Path, names: Iterable[str] = tuple(MAKERS)) -> None:
    """Write each key of `names` that `folder` lacks (mode 600). An existing key is never replaced: stored data needs it.

    An empty file counts as missing: an earlier start was killed while writing, or the disk was full.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in names:
        path = folder / name
        if not path.exists() or not path.stat().st_size:
            _write(path, MAKERS[name]())


def _write(path: Path, key: str) -> None:
    """Write the key atomically, and sync it to disk before anything is encrypted with it."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and not path.stat().st_size:
            path.unlink()
        _link(new, path)
    finally:
        new.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _link(new: Path, path: Path) -> None:
    """Name the file `path`, unless another start was faster: then its key stays."""
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            os.replace(new, path)
