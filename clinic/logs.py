"""Logs as JSON, one object per line. Requests and users appear as ids: no names, no pictures."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus

from django.http import HttpRequest

current_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Line breaks in a message are escaped, so it cannot forge a second one."""
        facts: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
        }
        request = current_request.get()
        if request is not None:
            facts |= {"request": getattr(request, "request_id", None), "user": user_of(request)}
        facts |= {name: record.__dict__[name] for name in ("route", "method", "status", "milliseconds") if name in record.__dict__}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False)


class NotNow(logging.Filter):
    """Makes a warning of Django's error for each answer 503, which only says that the server is busy or that a part is away.

    An error should wake someone. In a burst every photo that is sent again gets this answer, and so does a probe until all is up.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Lower the level of such a record, and let every record through."""
        if record.__dict__.get("status_code") == HTTPStatus.SERVICE_UNAVAILABLE:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def message_of(record: logging.LogRecord) -> str:
    """Return the message, with the route in place of the path: a path can hold a name, an id or a code."""
    request, values = record.__dict__.get("request"), record.args
    if not isinstance(request, HttpRequest) or not isinstance(values, tuple) or not values:
        return record.getMessage()
    addresses = {request.path, request.get_full_path(), request.path_info}
    addresses |= {address.encode("unicode_escape").decode("ascii") for address in addresses}  # as Django writes them
    return str(record.msg) % tuple(route_of(request) if value in addresses else value for value in values)


def route_of(request: HttpRequest) -> str:
    """Return the URL pattern that the path matches; empty if none."""
    match = request.resolver_match
    return match.route if match else ""


def user_of(request: HttpRequest) -> int | None:
    """Return the id of the signed-in user if it is loaded already: logging makes no query."""
    has_key = getattr(request, "auth", None) is not None  # then the API has set its owner
    user = request.user if has_key else getattr(request, "_cached_user", None)
    number: int | None = getattr(user, "pk", None)
    return number
