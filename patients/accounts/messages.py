"""Messages for the next page, kept encrypted in the session until they are shown."""

from typing import Any

from django.contrib.messages.storage.session import SessionStorage

from encryption.seal import SealBroken, open_text, seal_text


class EncryptedMessages(SessionStorage):
    """Stores messages encrypted in the session, not in a cookie as Django does by default.

    A message may hold the name of a refused file, and with it the name of a patient. A cookie outlives sign-out and erasure.
    """

    def serialize_messages(self, messages: object) -> str:
        """Return the messages, encrypted."""
        return seal_text("messages", str(super().serialize_messages(messages)))  # type: ignore[arg-type]

    def deserialize_messages(self, data: object) -> list[Any] | None:  # Any: Django's own signature
        """Return the messages; none if their key was removed in the meantime."""
        if not isinstance(data, str):
            return None
        try:
            return super().deserialize_messages(decrypt_messages(data))
        except SealBroken:
            return []


def decrypt_messages(encrypted: str) -> str:
    """Return the messages of a session as JSON text. Raises SealBroken if no key opens them."""
    return open_text("messages", encrypted)
