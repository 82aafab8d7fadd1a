"""Seals: AES-256-GCM, bound to the table, field, row and owner of a value. Moved anywhere else, it does not open.

A sealed value is MAGIC, the id of its key (8 bytes), a random nonce (12 bytes), then the ciphertext with its tag (16 bytes).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from encryption.keys import KEY_ID_BYTES, Ring, master_ring

MAGIC = b"al1"
TEXT_START = "YWwx"  # MAGIC in base64
TOKEN = re.compile(rb"YWwx[\w-]{48,}={0,2}")
"""A sealed value as text: base64, at least 52 characters."""
NONCE_BYTES = 12
HEAD_BYTES = len(MAGIC) + KEY_ID_BYTES
_NONCE_AT = HEAD_BYTES
_BODY_AT = _NONCE_AT + NONCE_BYTES


class SealBroken(Exception):
    """A value cannot be opened where it stands. `code` says why:

    `no_key`: its owner has no key any more, or the folder of the keys is not there; `other_owner`: it was sealed for someone else;
    `moved_or_damaged`: it belongs to another row or field, or was changed; `not_sealed`: it is no sealed value at all;
    `other_file`: the file is not the one that the row names.
    """

    def __init__(self, code: str, place: Place | None = None) -> None:
        super().__init__(f"{code} {place.label if place else ''}".strip())
        self.code, self.place = code, place


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs. `owner` is the id of the patient whose key seals it; empty for the installation itself."""

    table: str
    field: str
    row: str
    owner: str = ""

    @property
    def label(self) -> str:
        """The place for a log: it names no one."""
        return f"{self.table}.{self.field} {self.row}"

    @property
    def as_bytes(self) -> bytes:
        """The place as associated data. The row comes last: it alone may hold any character."""
        return f"{self.table}\n{self.field}\n{self.owner}\n{self.row}".encode()


def seal(ring: Ring, place: Place, content: bytes) -> bytes:
    """Return `content` sealed for `place` with the newest key."""
    key, nonce = ring.newest, os.urandom(NONCE_BYTES)
    head = MAGIC + key.id
    return head + nonce + key.cipher.encrypt(nonce, content, head + place.as_bytes)


def unseal(ring: Ring, place: Place, sealed: bytes) -> bytes:
    """Return the content of `sealed`. Raises SealBroken when it was not sealed for `place`, or was changed."""
    if not sealed.startswith(MAGIC):
        raise SealBroken("not_sealed", place)
    key = ring.find(sealed[len(MAGIC) : _NONCE_AT])
    if key is None:
        raise SealBroken("other_owner", place)
    try:
        return key.cipher.decrypt(sealed[_NONCE_AT:_BODY_AT], sealed[_BODY_AT:], sealed[:_NONCE_AT] + place.as_bytes)
    except (InvalidTag, ValueError):
        raise SealBroken("moved_or_damaged", place) from None


def key_id_of(sealed: bytes) -> bytes:
    """Return the id of the key that a sealed value names."""
    return sealed[len(MAGIC) : _NONCE_AT]


def to_text(sealed: bytes) -> str:
    """Return a sealed value as text."""
    return base64.urlsafe_b64encode(sealed).decode()


def from_text(text: str, place: Place | None = None) -> bytes:
    """Return the sealed value that `text` holds. Raises SealBroken when it holds none."""
    try:
        return base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        raise SealBroken("not_sealed", place) from None


def house_ring() -> Ring:
    """Return the keys for what belongs to no patient: secrets of second factors, messages, drafts that name no patient."""
    return master_ring("values of the installation")


def seal_text(purpose: str, text: str) -> str:
    """Return `text` sealed for one purpose of the installation."""
    return to_text(seal(house_ring(), Place("house", purpose, ""), text.encode()))


def open_text(purpose: str, sealed: str) -> str:
    """Return the text that `seal_text` sealed for the same purpose. Raises SealBroken."""
    place = Place("house", purpose, "")
    return unseal(house_ring(), place, from_text(sealed, place)).decode()
