"""Fields that are unreadable in the database file, and the keyed hash that still finds them.

Fernet (AES-128-CBC with HMAC-SHA256) with rotation (encryption.rotation): several keys, newest first. The first key writes, all of
them read.
"""

import hashlib
import hmac
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models

UNFINISHED = ".unfinished"
"""Suffix of a file that is being re-encrypted; `rotate_keys` removes those that an interrupted run left."""


@lru_cache(maxsize=4)
def _keys_in(path: Path, modified_ns: int, inode: int) -> tuple[str, ...]:
    return tuple(path.read_text().replace(",", " ").split())


def field_keys() -> tuple[str, ...]:
    """Return the keys, newest first: those in settings.FIELD_KEYS_FILE as it is now, or settings.FIELD_KEYS without a file."""
    path = settings.FIELD_KEYS_FILE
    if path is None:
        return tuple(settings.FIELD_KEYS)
    status = path.stat()
    return _keys_in(path, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    """Return the keys of this installation."""
    return _fernet(field_keys())


def keyed_hash(content: bytes) -> str:
    """Return 64 hex digits: equal for equal content, and meaningless without settings.SEARCH_KEY.

    That key must never change (docs/keys.md): most hashed content is not stored, so it could not be hashed again.
    """
    return hmac.new(settings.SEARCH_KEY.encode(), content, hashlib.sha256).hexdigest()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # generic only in the stubs
    """Text that is encrypted in the database. Queries can neither search it nor order by it."""

    def get_prep_value(self, value: Any) -> Any:  # Any: Django's own signature
        text = super().get_prep_value(value)
        return text if text in (None, "") else fernet().encrypt(text.encode()).decode()

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        return value if value in (None, "") else fernet().decrypt(value.encode()).decode()


class EncryptedBinaryField(models.BinaryField):  # type: ignore[type-arg]  # generic only in the stubs
    """Bytes that are encrypted in the database."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # Any: Django's own signature
        sealed = None if value is None else fernet().encrypt(bytes(value))
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: bytes | None, *_: object) -> bytes | None:
        return None if value is None else fernet().decrypt(bytes(value))
