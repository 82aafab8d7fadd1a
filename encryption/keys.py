"""The master keys of the installation, and the keys that are derived from them, one for each purpose."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEY_ID_BYTES = 8


class Key:
    """One key of 256 bits. A sealed value names the key that opens it by `id`, 8 bytes."""

    __slots__ = ("cipher", "id", "secret")

    def __init__(self, key_id: bytes, secret: bytes) -> None:
        self.id, self.secret, self.cipher = key_id, secret, AESGCM(secret)


class Ring:
    """The keys of one owner, newest first: the first seals, all of them open."""

    __slots__ = ("_by_id", "keys")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in self.keys}

    @property
    def newest(self) -> Key:
        """The key that seals."""
        return self.keys[0]

    def find(self, key_id: bytes) -> Key | None:
        """Return the key with this id, or None."""
        return self._by_id.get(key_id)


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


def derived(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """Return the key for one purpose (HKDF with SHA-256, RFC 5869)."""
    return HKDF(SHA256(), length, salt=None, info=f"affectline: {purpose}".encode()).derive(secret)


@lru_cache(maxsize=16)
def _master_ring(keys: tuple[str, ...], purpose: str) -> Ring:
    secrets = [base64.urlsafe_b64decode(key) for key in keys]
    return Ring(Key(derived(secret, f"id for {purpose}", KEY_ID_BYTES), derived(secret, purpose)) for secret in secrets)


def master_ring(purpose: str) -> Ring:
    """Return the keys that are derived from FIELD_KEYS for one purpose."""
    return _master_ring(field_keys(), purpose)


@lru_cache(maxsize=64)
def _hash_key(search_key: str, purpose: str) -> bytes:
    return derived(search_key.encode(), f"hash of {purpose}")


def keyed_hash(purpose: str, content: bytes) -> str:
    """Return 64 hex digits: equal for equal content and purpose, and meaningless without settings.SEARCH_KEY.

    That key must never change (docs/keys.md): most hashed content is not stored, so it could not be hashed again.
    """
    return hmac.new(_hash_key(settings.SEARCH_KEY, purpose), content, hashlib.sha256).hexdigest()


def first_hash(content: bytes) -> str:
    """Return the hash as it was before each purpose had a key of its own: for what was given out or sealed then (ADR 0131)."""
    return hmac.new(settings.SEARCH_KEY.encode(), content, hashlib.sha256).hexdigest()


def stored_hash(purpose: str, content: bytes) -> str:
    """Return the hash for what was stored before each purpose had a key of its own, and could not be hashed again.

    It is the hash of then, hashed with the key of the purpose: so what was stored could be migrated (ADR 0131).
    """
    return keyed_hash(purpose, first_hash(content).encode())
