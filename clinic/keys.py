"""The keys of one installation, kept as files that only its user can read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(64),
    "field_keys": lambda: Fernet.generate_key().decode(),
    "search_key": lambda: secrets.token_urlsafe(32),
}


def ensure_keys(folder: Path) -> None:
    """Write each key that `folder` does not hold yet (mode 600). An existing key is never touched: it opens stored data."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w") as file:
            file.write(make())
