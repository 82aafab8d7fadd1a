"""Recovery and tidying: tasks whose worker died, files whose day is over, rows that no one needs."""

import logging
from datetime import timedelta

from celery import shared_task
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from encryption import patient_keys
from inference.health import messages_waiting
from patients.models import PatientImport, Task
from patients.models.task import FILE_KEPT, LISTED_FOR, MAX_ATTEMPTS
from patients.tasks.run import QUEUE, hand_over

log = logging.getLogger(__name__)
State = Task.State


@shared_task
def sweep_tasks() -> None:
    """Recover lost tasks, and delete what is over. Runs every settings.SWEEP_SECONDS."""
    queued, failed = recover()
    if queued or failed:
        log.info("Sweep queued %d tasks again and failed %d", queued, failed)
    delete_old_files()
    delete_old_rows()
    PatientImport.objects.delete_expired()


def recover() -> tuple[int, int]:
    """Queue lost tasks again, and fail those that were tried three times. Return the number of each."""
    queued = failed = 0
    lost = Task.objects.lost()
    # With at least as many messages as waiting tasks, none is lost and the queue is merely long.
    if (messages_waiting(QUEUE) or 0) >= Task.objects.filter(state=State.WAITING).count():
        lost = lost.exclude(state=State.WAITING)
    for task in lost:
        same = Task.objects.filter(pk=task.pk, state=task.state, attempts=task.attempts, beat_at=task.beat_at)
        now = timezone.now()
        if task.state == State.RUNNING and task.attempts >= MAX_ATTEMPTS:
            failed += same.update(state=State.FAILED, reason="worker_lost", detail={"n": task.attempts}, finished_at=now)
            continue
        with transaction.atomic():
            if same.update(state=State.WAITING, beat_at=now):
                queued += 1
                hand_over(task.pk)
    return queued, failed


def delete_old_files() -> int:
    """Delete the files of tasks whose day is over, and files that no task names; return how many of the former."""
    over = Task.objects.exclude(file="").filter(finished_at__lt=timezone.now() - FILE_KEPT)
    tasks = list(over)
    for task in tasks:
        task.drop_file()
    _delete_orphans()
    return len(tasks)


def _delete_orphans() -> None:
    """Delete files that a killed worker wrote without coming to its row. No file lives longer than its day."""
    try:
        _folders, names = default_storage.listdir("tasks")
    except FileNotFoundError:  # nothing was stored yet
        return
    before = timezone.now() - FILE_KEPT - timedelta(hours=1)
    for name in (f"tasks/{each}" for each in names):
        try:
            if default_storage.get_modified_time(name) < before:
                default_storage.delete(name)
        except FileNotFoundError:  # deleted meanwhile
            continue


def delete_old_rows() -> int:
    """Delete what the page no longer lists: everything that ended over a week ago, but failures that no one has seen."""
    ended = Task.objects.exclude(state__in=Task.OPEN).filter(file="", finished_at__lt=timezone.now() - LISTED_FOR)
    old = list(ended.exclude(state=State.FAILED, acknowledged_at=None).values_list("pk", flat=True))
    for pk in old:
        patient_keys.destroy(pk)  # again: a worker may have died before it did
    return Task.objects.filter(pk__in=old).delete()[0] if old else 0
