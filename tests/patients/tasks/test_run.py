"""A task is claimed, says how far it is, and ends once: done, failed or cancelled."""

import threading
from hashlib import sha256

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError

from encryption.storage import sealed_storage
from patients.consent.erasure import ask_for_erasure, carry_out_due
from patients.models import ErasureRequest, Patient, Task, User
from patients.tasks.kind import Progress, TaskStopped
from patients.tasks.kinds import KINDS
from patients.tasks.run import beating, run_task, start, start_again
from tests.patients.tasks.conftest import COUNTING

pytestmark = pytest.mark.django_db


def stored() -> list[str]:
    return default_storage.listdir("tasks")[1] if default_storage.exists("tasks") else []


def test_task_is_queued_after_commit(
    queued: list[str], ada: User, ines: Patient, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without types
        task = start("count", ada, [ines.pk], to=1)
        assert queued == []
    assert queued == [str(task.pk)]


def test_task_leaves_its_file_sealed_with_its_hash(task: Task) -> None:
    run_task(str(task.pk))
    task.refresh_from_db()
    assert (task.state, task.done, task.total, task.size) == ("done", 3, 3, 13)
    assert task.sha256 == sha256(b"one two three").hexdigest()
    with task.file.open() as file:
        assert file.read() == b"one two three"
    assert b"one" not in sealed_storage().read_sealed(str(task.file.name))


def test_second_run_does_nothing(task: Task) -> None:
    run_task(str(task.pk))
    finished = Task.objects.get().finished_at
    run_task(str(task.pk))
    assert Task.objects.get().finished_at == finished
    assert len(stored()) == 1


def test_failure_keeps_its_code_and_numbers_and_no_file(queued: list[str], ada: User) -> None:
    run_task(str(start("count", ada, to=3, fail_at=2).pk))
    task = Task.objects.get()
    assert (task.state, task.reason, task.detail, task.file.name) == ("failed", "too_far", {"n": 2}, "")


def test_unexpected_fault_is_a_failure(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: Task, progress: Progress) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(KINDS, "count", type(COUNTING)(**{**vars(COUNTING), "run": broken}))
    run_task(str(task.pk))
    assert Task.objects.values_list("state", "reason").get() == ("failed", "fault")


@pytest.mark.parametrize("missing", ["right", "care"])
def test_task_without_permission_fails(task: Task, ada: User, ines: Patient, missing: str) -> None:
    if missing == "right":
        User.objects.update(may_export=False)
    else:
        ines.assignments.all().delete()
    run_task(str(task.pk))
    assert Task.objects.values_list("state", "reason").get() == ("failed", "not_allowed")


def test_cancelled_task_stops_at_its_next_step_and_leaves_nothing(task: Task) -> None:
    running = Task.objects.claim(str(task.pk))
    assert running is not None
    assert task.cancel()
    with pytest.raises(TaskStopped):
        Progress(running)(1, 3)
    assert not running.finish(b"late", "late.txt", "text/plain", "0")
    assert (Task.objects.get().state, stored()) == ("cancelled", [])
    assert not task.cancel()


def test_progress_is_written_seldom_and_at_the_end(task: Task, django_assert_num_queries: object) -> None:
    running = Task.objects.claim(str(task.pk))
    assert running is not None
    progress = Progress(running)
    with django_assert_num_queries(2):  # type: ignore[operator]  # a fixture without types
        for number in range(1, 1001):
            progress(number, 1000)
    assert Task.objects.get().done == 1000


def test_retry_is_a_new_task_and_puts_the_failure_away(queued: list[str], ada: User, ines: Patient) -> None:
    failed = start("count", ada, [ines.pk], to=3, fail_at=2)
    run_task(str(failed.pk))
    again = start_again(Task.objects.get())
    assert (again.options, list(again.patients.all()), again.state) == ({"to": 3, "fail_at": 2}, [ines], "waiting")
    failed.refresh_from_db()
    assert failed.acknowledged_at is not None


@pytest.mark.parametrize("level", ErasureRequest.Level.values)
def test_erasure_takes_files_about_the_patient_along(
    task: Task, ada: User, ines: Patient, level: str, django_capture_on_commit_callbacks: object
) -> None:
    run_task(str(task.pk))
    waiting = start("count", ada, [ines.pk], to=1)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without types
        ask_for_erasure(ines, level, ada, ada)
        carry_out_due()
    assert stored() == []
    states = dict(Task.objects.values_list("pk", "state"))
    assert states == {task.pk: "done", waiting.pk: "failed"}
    assert set(Task.objects.values_list("reason", "file")) == {("erased", "")}


def test_worker_is_heard_again_after_a_fault_of_the_database(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    faults, is_heard = [OperationalError("database is locked")], threading.Event()

    def heard(_: Task) -> None:
        if faults:
            raise faults.pop()
        is_heard.set()

    monkeypatch.setattr(Task, "heard", heard)
    monkeypatch.setattr("patients.tasks.run.BEAT_SECONDS", 0.01)
    with beating(task):
        assert is_heard.wait(10)
