"""What every page may say of the installation."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Return the values that base.html needs on every page."""
    return {"is_demo": settings.DEMO}
