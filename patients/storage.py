"""Where photos lie: a private folder, every file encrypted with the keys that encrypt the fields."""

from __future__ import annotations

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from inference.encryption import fernet


class EncryptedStorage(FileSystemStorage):
    """Encrypts what is saved and decrypts what is opened. The path alone is worthless, so there is no url()."""

    def _save(self, name: str, content: File[bytes]) -> str:
        content.seek(0)
        sealed: str = super()._save(name, ContentFile(fernet().encrypt(content.read())))  # type: ignore[misc]  # not in the stubs
        return sealed

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with super()._open(name, "rb") as sealed:  # type: ignore[misc]  # not in the stubs
            return ContentFile(fernet().decrypt(sealed.read()), name=name)

    def url(self, name: str | None) -> str:
        """Raise ValueError: a photo is served by a view that knows who asks."""
        raise ValueError("Photos have no address of their own.")
