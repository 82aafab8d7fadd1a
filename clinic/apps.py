"""The wiring as a Django app, so that its checks are found."""

from django.apps import AppConfig


class Clinic(AppConfig):
    """Registers the checks of `manage.py check --deploy`."""

    name = "clinic"

    def ready(self) -> None:
        """Register them."""
        from clinic import checks  # noqa: F401
