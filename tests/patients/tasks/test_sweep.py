"""The sweep finds lost tasks, and deletes files after their day and rows after their week."""

from datetime import datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from patients.models import Task, User
from patients.tasks.run import run_task, start
from patients.tasks.sweep import delete_old_files, delete_old_rows, recover

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def test_task_of_a_dead_worker_is_queued_again(task: Task) -> None:
    Task.objects.claim(str(task.pk))
    assert recover() == (0, 0)
    Task.objects.update(beat_at=ago(seconds=61))
    assert recover() == (1, 0)
    run_task(str(task.pk))
    assert Task.objects.values_list("state", "attempts").get() == ("done", 2)


def test_worker_that_was_given_up_cannot_finish(task: Task) -> None:
    first = Task.objects.claim(str(task.pk))
    Task.objects.update(beat_at=ago(seconds=61))
    recover()
    assert Task.objects.claim(str(task.pk)) is not None
    assert first is not None
    assert not first.finish(b"old", "old.txt", "text/plain", "0")


def test_task_is_given_up_after_three_attempts(task: Task) -> None:
    for _ in range(3):
        assert Task.objects.claim(str(task.pk)) is not None
        Task.objects.update(beat_at=ago(seconds=61))
        recovered = recover()
    assert recovered == (0, 1)
    assert Task.objects.values_list("state", "reason", "detail").get() == ("failed", "worker_lost", {"n": 3})


def test_lost_message_is_sent_again(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    Task.objects.update(beat_at=ago(seconds=61))
    monkeypatch.setattr("patients.tasks.sweep.messages_waiting", lambda *queues: 1)
    assert recover() == (0, 0)  # the queue is long, nothing is lost
    monkeypatch.setattr("patients.tasks.sweep.messages_waiting", lambda *queues: 0)
    assert recover() == (1, 0)


def test_file_is_deleted_after_its_day(task: Task, django_capture_on_commit_callbacks: object) -> None:
    run_task(str(task.pk))
    assert delete_old_files() == 0
    Task.objects.update(finished_at=ago(hours=24, seconds=1))
    assert not Task.objects.get().has_download
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without types
        assert delete_old_files() == 1
    assert default_storage.listdir("tasks")[1] == []
    assert Task.objects.values_list("file", "file_name", "sha256").get() == ("", "", "")


def test_rows_go_after_a_week_but_not_unseen_failures(queued: list[str], ada: User) -> None:
    for state, seen in (("done", None), ("failed", None), ("failed", ago(days=1)), ("waiting", None)):
        Task.objects.create(kind="count", owner=ada, state=state, acknowledged_at=seen, finished_at=ago(days=7, hours=1))
    assert delete_old_rows() == 2
    assert set(Task.objects.values_list("state", "acknowledged_at")) == {("failed", None), ("waiting", None)}
    assert start("count", ada, to=1).state == "waiting"
