"""Messages for the next page, kept encrypted in the session until they are shown."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.messages.storage.session import SessionStorage

from encryption.fields import fernet


class EncryptedMessages(SessionStorage):
    """Stores messages encrypted in the session, not in a cookie as Django does by default.

    A message may hold the name of a refused file, and with it the name of a patient. A cookie outlives sign-out and erasure.
    """

    def serialize_messages(self, messages: object) -> str:
        """Return the messages, encrypted."""
        return fernet().encrypt(str(super().serialize_messages(messages)).encode()).decode()  # type: ignore[arg-type]

    def deserialize_messages(self, data: object) -> list[Any] | None:  # Any: Django's own signature
        """Return the messages; none if their key was removed in the meantime."""
        if not isinstance(data, str):
            return None
        try:
            return super().deserialize_messages(decrypt_messages(data))
        except InvalidToken:
            return []


def decrypt_messages(encrypted: str) -> str:
    """Return the messages of a session as JSON text. Raises InvalidToken if no key opens them."""
    return fernet().decrypt(encrypted.encode()).decode()
