"""What `manage.py check --deploy` asks of a clinic's own settings: nothing about patients or passwords travels in plain text."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from clinic.transport import ENCRYPTED, is_near


@register(Tags.security, deploy=True)
def check_transport(app_configs: Any, **options: Any) -> list[CheckMessage]:  # Any: Django's own signature
    """Return an error for each connection to another host that is not encrypted, unless settings.ACCEPT_PLAIN names it."""
    return [
        Error(f"The connection to {name} is not encrypted: {why}", hint=f"Or accept it: ACCEPT_PLAIN={name}", id=f"clinic.{name}")
        for name, why in plain_connections()
        if name not in settings.ACCEPT_PLAIN
    ]


def plain_connections() -> Iterator[tuple[str, str]]:
    """Yield the name and what helps for each connection to another host that is not encrypted."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("postgresql") and not is_near(database["HOST"]):
        mode = database.get("OPTIONS", {}).get("sslmode", "prefer")
        if mode not in ENCRYPTED:
            yield "database", f"sslmode={mode} in DATABASE_URL. Leave it out, or set verify-full."
    queue = urlsplit(settings.CELERY_BROKER_URL)
    if queue.scheme == "redis" and not is_near(queue.hostname or ""):
        yield "queue", "REDIS_URL begins with redis://. Set rediss://."
    is_encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") and not is_near(settings.EMAIL_HOST) and not is_encrypted:
        yield "mail", "EMAIL_USE_TLS=0. Leave it out, or set EMAIL_USE_SSL=1."
    store = urlsplit(settings.STORAGES["default"].get("OPTIONS", {}).get("endpoint_url") or "")
    if store.scheme == "http" and not is_near(store.hostname or ""):
        yield "photos", "S3_ENDPOINT begins with http://. Set https://."
    kind, _colon, place = settings.LOG_SHIP.partition(":")
    if kind in ("tcp", "syslog") and not is_near(place if place.startswith("/") else place.rpartition(":")[0]):
        yield "log", "LOG_SHIP names another host. Send to an agent on this one, which forwards over TLS."
