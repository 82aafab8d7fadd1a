"""Whether photos can be added and read now: database, broker, storage, a live worker, its model, and the decoder's confinement."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone

from encryption.storage import sealed_storage
from inference.broker import ask_broker, broker_answers
from inference.tasks import face_reader
from ml.decode.apart import missing_layers
from ml.decode.confinement import LAYERS
from ml.serve.reader import WeightsError

log = logging.getLogger(__name__)

HEARTBEAT = "worker-heartbeat"
MISSED_AFTER = timedelta(seconds=max(90, 4 * settings.SWEEP_SECONDS, 2 * settings.READ_TIME_LIMIT_SECONDS))
"""Longer than any photo may take: a busy worker sends no heartbeat."""


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life from a worker. `model` is the version it has loaded, empty when loading failed."""

    at: datetime
    model: str

    @property
    def is_fresh(self) -> bool:
        """Whether it is recent enough for the worker to be alive. One from the future shows that the clock was set back."""
        return abs(timezone.now() - self.at) < MISSED_AFTER


@dataclass(frozen=True)
class Readiness:
    """Which parts work."""

    database: bool
    broker: bool
    storage: bool
    """Whether pictures can be stored: the folder, or the object store."""
    worker: bool
    model: bool
    confinement: bool
    """Whether uploads are opened: no layer around the decoder is missing that must be there."""

    @property
    def is_ready(self) -> bool:
        """Whether every part works."""
        return all(asdict(self).values())


@shared_task
def beat_heart() -> None:
    """Record that a worker is alive, and which model it has loaded. Like every photo, this passes broker, worker and database."""
    try:
        model = face_reader().model_version
    except (WeightsError, OSError):
        log.exception("The model cannot be loaded")
        model = ""
    cache.set(HEARTBEAT, {"at": timezone.now().isoformat(), "model": model}, timeout=None)


def last_heartbeat() -> Heartbeat | None:
    """Return the last heartbeat; None before the first."""
    stored = cache.get(HEARTBEAT)
    return Heartbeat(datetime.fromisoformat(stored["at"]), stored["model"]) if stored else None


def readiness() -> Readiness:
    """Check every part. Takes at most two seconds for each of broker and storage that is down."""
    here = {
        "broker": broker_answers(settings.CELERY_BROKER_URL),
        "storage": sealed_storage().answers(),
        "confinement": is_confined(),
    }
    if not database_answers():
        return Readiness(database=False, worker=False, model=False, **here)
    heartbeat = last_heartbeat()
    is_alive = heartbeat is not None and heartbeat.is_fresh
    has_model = is_alive and bool(heartbeat and heartbeat.model)
    return Readiness(database=True, worker=is_alive, model=has_model, **here)


@lru_cache(maxsize=1)
def layers() -> dict[str, bool]:
    """Return for each layer around the decoders of this process whether it holds, as one told that was started to tell it."""
    missing = missing_layers()
    return {name: name not in missing for name in LAYERS}


def is_confined() -> bool:
    """Whether every layer holds that settings.DECODER_LAYERS names."""
    return all(layers()[name] for name in settings.DECODER_LAYERS)


def database_answers() -> bool:
    """Whether the database answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def messages_waiting(*queues: str) -> int | None:
    """Return the number of messages in `queues`, or in all queues when none is named; None when the broker is down."""
    names = queues or [queue.name for queue in settings.CELERY_TASK_QUEUES]
    waiting: int | None = ask_broker(settings.CELERY_BROKER_URL, lambda broker: sum(broker.llen(name) for name in names))
    return waiting
