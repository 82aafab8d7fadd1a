"""A kind of task for the tests: it counts, and leaves a file."""

import pytest

from patients.models import Patient, Task, User
from patients.tasks.kind import Kind, Progress, TaskFailed, TaskFile
from patients.tasks.kinds import KINDS
from patients.tasks.run import start


def count(task: Task, progress: Progress) -> TaskFile:
    """Count to `to` of the options, and fail at `fail_at`."""
    total = task.options["to"]
    for number in range(1, total + 1):
        if number == task.options.get("fail_at"):
            raise TaskFailed("too_far", n=number)
        progress(number, total)
    return TaskFile("affectline-count.txt", "text/plain", b"one two three")


COUNTING = Kind(
    icon="down",
    run=count,
    title=lambda task: f"Counting to {task.options['to']}",
    about=lambda task: "TXT",
    counted=lambda done, total: f"{done} of {total} numbers",
    reasons={"too_far": ("It came to %(n)s.", "Count less.")},
)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the ids of queued tasks. Nothing reaches a broker."""
    ids: list[str] = []
    monkeypatch.setitem(KINDS, "count", COUNTING)
    monkeypatch.setattr("patients.tasks.run.run_task.apply_async", lambda arguments, queue: ids.extend(arguments))
    monkeypatch.setattr("patients.tasks.sweep.messages_waiting", lambda *queues: 0)
    return ids


@pytest.fixture
def task(queued: list[str], ada: User, ines: Patient) -> Task:
    """Return a waiting task of Dr Ada about Ines."""
    return start("count", ada, [ines.pk], to=3)
