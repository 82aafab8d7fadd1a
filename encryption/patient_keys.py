"""The keys of patients: one small file each, in a folder apart from database and photos.

A file holds a patient's random keys, sealed by the field keys. It is never in a dump of the database or a backup of the photos. So
deleting it makes everything sealed for the patient unreadable, wherever copies lie (ADR 0130). A task or an import that holds data
of several patients owns a key in the same way.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from uuid import UUID

from django.conf import settings

from encryption.keys import KEY_ID_BYTES, Key, Ring, keyed_hash, master_ring
from encryption.seal import Place, SealBroken, key_id_of, seal, unseal

UNFINISHED = ".unfinished"
"""Suffix of a file that is being replaced; `rotate_keys` removes those that an interrupted run left."""
KEPT_IN_MEMORY = 2000


@dataclass(frozen=True)
class PatientKeys:
    """What one file holds: the key of the record, that of the pictures, and the one that names rows in the access log.

    Pictures have a key of their own: when they are erased and the record stays, only it goes, and backups of the record open.
    """

    record: Key
    pictures: Key
    log_key: bytes

    @classmethod
    def new(cls) -> PatientKeys:
        """Return random keys."""
        return cls(_new_key(), _new_key(), secrets.token_bytes(32))

    @cached_property
    def record_ring(self) -> Ring:
        """The keys, to seal what the record holds, and to open anything."""
        return Ring([self.record, self.pictures])

    @cached_property
    def pictures_ring(self) -> Ring:
        """The keys, to seal pictures and what goes with them, and to open anything."""
        return Ring([self.pictures, self.record])

    @property
    def as_json(self) -> bytes:
        """The content of the file before it is sealed."""
        keys = {"record": self.record, "pictures": self.pictures}
        found = {name: [key.id.hex(), key.secret.hex()] for name, key in keys.items()}
        return json.dumps(found | {"log": self.log_key.hex()}).encode()

    @classmethod
    def from_json(cls, content: bytes) -> PatientKeys:
        """Return the keys that `as_json` wrote."""
        found = json.loads(content)
        record, pictures = (Key(*map(bytes.fromhex, found[name])) for name in ("record", "pictures"))
        return cls(record, pictures, bytes.fromhex(found["log"]))


def _new_key() -> Key:
    return Key(secrets.token_bytes(KEY_ID_BYTES), secrets.token_bytes(32))


_cache: OrderedDict[str, tuple[tuple[int, int], PatientKeys]] = OrderedDict()
_cache_lock = Lock()


def wrapping_ring() -> Ring:
    """Return the keys that seal the files."""
    return master_ring("keys of patients")


@lru_cache(maxsize=2 * KEPT_IN_MEMORY)
def _name(search_key: str, owner: UUID) -> str:
    return keyed_hash("file of a patient's keys", owner.bytes)[:32]


def _path(owner: UUID) -> Path:
    """Return the file of an owner. Its name does not identify the patient: an old list of the folder reveals none."""
    name = _name(settings.SEARCH_KEY, owner)
    return Path(settings.PATIENT_KEYS, name[:2], name)


def _place(path: Path) -> Place:
    return Place("patient_keys", "keys", path.name)


def find(owner: UUID) -> PatientKeys:
    """Return the keys of an owner. Raises SealBroken ("no_key") when they were destroyed, or the folder is not mounted."""
    name = _name(settings.SEARCH_KEY, owner)
    file = f"{settings.PATIENT_KEYS}/{name[:2]}/{name}"
    try:
        status = os.stat(file)  # for every value that is opened. Another process may have destroyed or renewed them
    except FileNotFoundError:
        _forget(file)
        raise SealBroken("no_key", _place(_path(owner))) from None
    stamp = (status.st_mtime_ns, status.st_ino)
    with _cache_lock:
        known = _cache.get(file)
        if known and known[0] == stamp:
            _cache.move_to_end(file)
            return known[1]
    try:
        keys = _read(Path(file))
    except FileNotFoundError:
        raise SealBroken("no_key", _place(_path(owner))) from None
    with _cache_lock:
        _cache[file] = stamp, keys
        if len(_cache) > KEPT_IN_MEMORY:
            _cache.popitem(last=False)
    return keys


def has(owner: UUID) -> bool:
    """Whether an owner has keys."""
    return _path(owner).exists()


def find_or_make(owner: UUID) -> PatientKeys:
    """Return the keys of an owner, made and synced to disk now if there are none."""
    with contextlib.suppress(SealBroken):
        return find(owner)
    path = _path(owner)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = _write_beside(path, seal(wrapping_ring(), _place(path), PatientKeys.new().as_json))
    try:
        with contextlib.suppress(FileExistsError):  # another process was faster: then its keys stay
            os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)
    return find(owner)


def destroy(owner: UUID) -> None:
    """Overwrite and delete the keys of an owner: nothing that was sealed with them opens again. Does nothing without a file."""
    path = _path(owner)
    _forget(str(path))
    _shred(path)


def renew_pictures(owner: UUID) -> None:
    """Replace the key of an owner's pictures: none that was sealed with it opens again. Does nothing without a file."""
    with contextlib.suppress(SealBroken):
        _replace(_path(owner), replace(find(owner), pictures=_new_key()))


def stored() -> Iterator[Path]:
    """Yield the file of every owner."""
    folder = Path(settings.PATIENT_KEYS)
    yield from sorted(path for path in folder.glob("??/*") if path.is_file() and not path.name.endswith(UNFINISHED))


def is_wrapped_by_newest(path: Path) -> bool:
    """Whether the newest field key seals the file. Raises SealBroken when no field key opens it."""
    content = path.read_bytes()
    unseal(wrapping_ring(), _place(path), content)
    return key_id_of(content) == wrapping_ring().newest.id


def rewrap(path: Path) -> None:
    """Seal the file with the newest field key. A file that was destroyed meanwhile does not come back."""
    _replace(path, _read(path))


def remove_unfinished() -> None:
    """Delete what an interrupted run left."""
    for path in Path(settings.PATIENT_KEYS).glob(f"??/*{UNFINISHED}"):
        _shred(path)


def _read(path: Path) -> PatientKeys:
    return PatientKeys.from_json(unseal(wrapping_ring(), _place(path), path.read_bytes()))


def _replace(path: Path, keys: PatientKeys) -> None:
    new = _write_beside(path, seal(wrapping_ring(), _place(path), keys.as_json))
    try:
        exchange(new, path)
    finally:
        _shred(new)  # now the old content
    _forget(str(path))
    _sync(path.parent)


def _write_beside(path: Path, content: bytes) -> Path:
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return new


def _shred(path: Path) -> None:
    """Overwrite the file, then delete it. A disk that writes elsewhere (SSD, snapshots) may keep the old blocks (ADR 0130)."""
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        file.write(secrets.token_bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    if path.parent.is_dir():
        path.unlink(missing_ok=True)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _forget(file: str) -> None:
    with _cache_lock:
        _cache.pop(file, None)


def exchange(new: Path, old: Path) -> bool:
    """Swap two files in one step. Return False when `old` is gone; a plain rename would bring a deleted file back."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is not None:
        here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        if swap(here, os.fsencode(new), here, os.fsencode(old), both) == 0:
            return True
    with contextlib.suppress(FileNotFoundError):  # not Linux, or a file system that cannot swap
        old.stat()
        os.replace(new, old)
        return True
    return False
