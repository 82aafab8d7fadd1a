"""Starts tasks and runs them in a worker. Only ids travel through the broker."""

import logging
import threading
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation

from patients.models import Patient, Task, User
from patients.tasks.kind import Progress, TaskFailed, TaskStopped
from patients.tasks.kinds import KINDS

log = logging.getLogger(__name__)

QUEUE = "tasks"
TIME_LIMIT_SECONDS = 900
BEAT_SECONDS = 10


def start(kind: str, owner: User, patients: Iterable[UUID] = (), **options: object) -> Task:
    """Return a new task, queued once the surrounding transaction is committed. With the broker down it waits for the sweep."""
    with transaction.atomic():
        task = Task.objects.create(kind=kind, owner=owner, options=options, language=translation.get_language() or "")
        task.patients.set(Patient.objects.filter(pk__in=list(patients)))
        hand_over(task.pk)
    return task


def start_again(task: Task) -> Task:
    """Return a new task that does the same; the old one needs no one any more."""
    with transaction.atomic():
        task.acknowledge()
        return start(task.kind, task.owner, task.patients.values_list("pk", flat=True), **task.options)


def hand_over(task_id: UUID) -> None:
    """Send the id to the queue after commit."""
    transaction.on_commit(lambda: run_task.apply_async((str(task_id),), queue=QUEUE), robust=True)


@shared_task(soft_time_limit=TIME_LIMIT_SECONDS - 10, time_limit=TIME_LIMIT_SECONDS)
def run_task(task_id: str) -> None:
    """Run one waiting task, and store its file in its row. A second run does nothing."""
    task = Task.objects.claim(task_id)
    if task is None:
        return
    try:
        with beating(task), owners_words(task):
            _run(task)
    except TaskStopped:
        log.info("Task %s was stopped", task_id)
    except TaskFailed as failure:
        task.fail(failure.code, failure.detail)
    except SoftTimeLimitExceeded:
        task.fail("timed_out", {"minutes": TIME_LIMIT_SECONDS // 60})
    except Exception:
        log.exception("Task %s failed", task_id)
        task.fail("fault")


def _run(task: Task) -> None:
    kind = KINDS[task.kind]
    if not kind.may_run(task):
        raise TaskFailed("not_allowed")
    made = kind.run(task, Progress(task))
    if made is None:
        task.finish_without_file()
    else:
        task.finish(made.content, made.name, made.content_type, sha256(made.content).hexdigest())


@contextmanager
def owners_words(task: Task) -> Iterator[None]:
    """Speak the owner's language, and tell times in their zone."""
    zone = zoneinfo.ZoneInfo(task.owner.time_zone or settings.TIME_ZONE)
    with translation.override(task.owner.language or task.language or settings.LANGUAGE_CODE), timezone.override(zone):
        yield


@contextmanager
def beating(task: Task) -> Iterator[None]:
    """Let the row know, from a thread of its own, that this worker lives: one step of the work may take minutes."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                task.heard()
            except DatabaseError:
                # The next beat may get through. Without any, another worker would take the task for left behind.
                log.warning("Task %s could not say that it runs", task.pk, exc_info=True)
            finally:
                # Each thread has a connection of its own, and one that broke is not used again.
                connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
