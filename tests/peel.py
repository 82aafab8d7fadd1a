"""Opens sealed values with every key that the system still holds, whatever they are bound to, as someone with all of it would."""

import re
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

from encryption import patient_keys
from encryption.keys import KEY_ID_BYTES, Key
from encryption.patient_keys import PatientKeys, wrapping_ring
from encryption.seal import MAGIC, NONCE_BYTES, TOKEN, SealBroken, from_text, house_ring, unseal

HEAD = len(MAGIC) + KEY_ID_BYTES
MOST = 100_000  # bytes that are opened from where a value begins: its end is not marked


def held_keys(*folders: Path) -> dict[bytes, Key]:
    """Return every key by its id: those of the installation, and those in the folder of the patients' keys and in `folders`."""
    keys = [*house_ring().keys, *wrapping_ring().keys]
    for folder in (Path(settings.PATIENT_KEYS), *folders):
        for path in folder.rglob("*"):
            if path.is_file():
                keys += _in_file(path)
    return {key.id: key for key in keys}


def _in_file(path: Path) -> tuple[Key, ...]:
    try:
        content = unseal(wrapping_ring(), patient_keys._place(path), path.read_bytes())
    except SealBroken:
        return ()
    return PatientKeys.from_json(content).record_ring.keys


def peel(sealed: bytes, keys: dict[bytes, Key]) -> bytes:
    """Return the content of a value without checking what it is bound to; nothing when none of `keys` opens it."""
    key = keys.get(sealed[len(MAGIC) : HEAD])
    if key is None or not sealed.startswith(MAGIC):
        return b""
    nonce = sealed[HEAD : HEAD + NONCE_BYTES]
    counter = modes.CTR(nonce + b"\0\0\0\2")  # what AES-GCM encrypts with
    return Cipher(algorithms.AES(key.secret), counter).decryptor().update(sealed[HEAD + NONCE_BYTES :])


def all_opened(content: bytes, keys: dict[bytes, Key] | None = None) -> bytes:
    """Return the content, followed by whatever sealed parts of it open."""
    keys = held_keys() if keys is None else keys
    parts = [content]
    for token in TOKEN.findall(content):
        whole = token[: len(token) // 4 * 4]  # a page may end in the middle of it
        parts.append(peel(from_text(whole.decode()), keys))
    for found in re.finditer(re.escape(MAGIC), content):
        parts.append(peel(content[found.start() : found.start() + MOST], keys))
    return b"\n".join(parts)
