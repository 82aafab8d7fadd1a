"""Whether photos can be read now: database, broker, a worker that lives, and the model it has loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone

log = logging.getLogger(__name__)

HEARTBEAT = "worker-heartbeat"
MISSED_AFTER = timedelta(seconds=max(90, 4 * settings.SWEEP_SECONDS, 2 * settings.READ_TIME_LIMIT_SECONDS))  # longer than any photo
BROKER_SECONDS = 2


@dataclass(frozen=True)
class Heartbeat:
    """What the last living worker said. `model` is the version it has loaded, empty when it could not."""

    at: datetime
    model: str

    @property
    def is_fresh(self) -> bool:
        """Whether it is recent enough to call the worker alive. One of the future is of a clock that was set back since."""
        return abs(timezone.now() - self.at) < MISSED_AFTER


@dataclass(frozen=True)
class Readiness:
    """Each part, and whether it is well."""

    database: bool
    broker: bool
    worker: bool
    model: bool

    @property
    def is_ready(self) -> bool:
        """Whether every part is."""
        return all(asdict(self).values())


@shared_task
def beat_heart() -> None:
    """Say that a worker lives, and which model it has loaded. Goes the way of every photo: beat, broker, worker, database."""
    from inference.tasks import face_reader  # here: the web process reads heartbeats and must not load the network
    from ml.serve.reader import WeightsError

    try:
        model = face_reader().model_version
    except (WeightsError, OSError):
        log.exception("The model cannot be loaded")
        model = ""
    cache.set(HEARTBEAT, {"at": timezone.now().isoformat(), "model": model}, timeout=None)


def last_heartbeat() -> Heartbeat | None:
    """Return what the last worker said; None before the first."""
    said = cache.get(HEARTBEAT)
    return Heartbeat(datetime.fromisoformat(said["at"]), said["model"]) if said else None


def readiness() -> Readiness:
    """Ask every part. Takes two seconds at most when the broker is away."""
    if not database_answers():
        return Readiness(database=False, broker=broker_answers(), worker=False, model=False)
    heartbeat = last_heartbeat()
    lives = heartbeat is not None and heartbeat.is_fresh
    return Readiness(database=True, broker=broker_answers(), worker=lives, model=lives and bool(heartbeat and heartbeat.model))


def database_answers() -> bool:
    """Whether the database takes a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def ask_broker(question: Callable[[redis.Redis], Any]) -> Any:  # Any: whatever was asked for
    """Return what the broker answers; None when it is away."""
    try:
        with redis.Redis.from_url(
            settings.CELERY_BROKER_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS
        ) as broker:
            return question(broker)
    except (redis.RedisError, ValueError):
        return None


def broker_answers() -> bool:
    """Whether the broker takes commands."""
    return bool(ask_broker(lambda broker: broker.ping()))


def messages_waiting(*queues: str) -> int | None:
    """Return how many messages wait in `queues`, in all when none is named; None when the broker is away."""
    names = queues or [queue.name for queue in settings.CELERY_TASK_QUEUES]
    waiting: int | None = ask_broker(lambda broker: sum(broker.llen(name) for name in names))
    return waiting
