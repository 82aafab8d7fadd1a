"""What the next page says of what was just done: kept in the session, encrypted, until it is shown."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.messages.storage.session import SessionStorage

from encryption.fields import fernet


class SealedNotices(SessionStorage):
    """Django's own would put them into a cookie: a refused file is named there by its name, which may be that of a patient.

    A cookie outlives sign-out, and no erasure reaches it.
    """

    def serialize_messages(self, messages: object) -> str:
        """Return the notices as the session holds them."""
        return fernet().encrypt(str(super().serialize_messages(messages)).encode()).decode()  # type: ignore[arg-type]

    def deserialize_messages(self, data: object) -> list[Any] | None:  # Any: Django's own signature
        """Return the notices; none when a key was dropped meanwhile."""
        if not isinstance(data, str):
            return None
        try:
            return super().deserialize_messages(opened(data))
        except InvalidToken:
            return []


def opened(sealed: str) -> str:
    """Return the notices of a session as text. Raises InvalidToken for anything that no key opens."""
    return fernet().decrypt(sealed.encode()).decode()
