"""The storage of photos: a private folder in which every file is encrypted with the keys of the fields."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from encryption.fields import UNFINISHED, fernet


def _exchange(new: Path, old: Path) -> bool:
    """Swap two files in one step. Return False when `old` is gone; a plain rename would bring a deleted photo back."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is not None:
        here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        if swap(here, os.fsencode(new), here, os.fsencode(old), exchange) == 0:
            return True
    with contextlib.suppress(FileNotFoundError):  # not Linux, or a file system that cannot swap
        old.stat()
        os.replace(new, old)
        return True
    return False


class EncryptedStorage(FileSystemStorage):
    """Encrypts files when they are saved and decrypts them when they are opened. Files have no URL."""

    def _save(self, name: str, content: File[bytes]) -> str:
        content.seek(0)
        try:
            sealed: str = super()._save(name, ContentFile(fernet().encrypt(content.read())))  # type: ignore[misc]  # not in the stubs
        except OSError:
            with contextlib.suppress(OSError):
                self.delete(name)  # the beginning of a file, on a disk that is full
            raise
        return sealed

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with super()._open(name, "rb") as sealed:  # type: ignore[misc]  # not in the stubs
            return ContentFile(fernet().decrypt(sealed.read()), name=name)

    def read_sealed(self, name: str) -> bytes:
        """Return the encrypted bytes of a file. Raises FileNotFoundError."""
        return Path(self.path(name)).read_bytes()

    def write_sealed(self, name: str, sealed: bytes) -> bool:
        """Replace the encrypted bytes of a file atomically. Return False when the file is gone; it is not created again."""
        path = Path(self.path(name))
        new = path.with_name(path.name + UNFINISHED)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.file_permissions_mode or 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            return _exchange(new, path)
        finally:
            new.unlink(missing_ok=True)

    def url(self, name: str | None) -> str:
        """Raise ValueError: only views that check access serve photos."""
        raise ValueError("Photos have no address of their own.")
