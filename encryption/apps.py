"""The app of what is unreadable on disk."""

from django.apps import AppConfig


class EncryptionConfig(AppConfig):
    """Registers the check of where the keys lie."""

    name = "encryption"

    def ready(self) -> None:
        from encryption import checks  # noqa: F401  # importing it registers the check, which Django allows only now
