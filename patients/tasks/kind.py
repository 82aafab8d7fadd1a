"""What a kind of task is: a function that does the work, and the words about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise

from patients.models import Patient, Task

Words = str | Promise
SAID_EVERY_SECONDS = 0.5
"""How often progress is written to the row; the page asks every two seconds."""


class TaskFailed(Exception):
    """The task cannot be done, for a reason that its owner can be told."""

    def __init__(self, code: str, **detail: int | float | str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class TaskStopped(Exception):
    """The task was cancelled, or another worker has it: nothing more is to be done."""


@dataclass(frozen=True)
class TaskFile:
    """The file that a task leaves. `name` holds no name and no record number: it is written into lists of downloads."""

    name: str
    content_type: str
    content: bytes


class Progress:
    """Says how far the work is, in the unit of its kind. Raises TaskStopped once the work is not wanted any more."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._said_at = -SAID_EVERY_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` are done. Cheap: call it for each."""
        now = time.monotonic()
        if done < total and now - self._said_at < SAID_EVERY_SECONDS:
            return
        self._said_at = now
        if not self._task.heard(done, total):
            raise TaskStopped


Run = Callable[[Task, Progress], TaskFile | None]


def owner_cares(task: Task) -> bool:
    """Whether the owner may export, and every patient of the task is in their regular care."""
    if not task.owner.is_active or not task.owner.may_export:
        return False
    cared = Patient.objects.in_care_of(task.owner).values("pk")
    return not task.patients.exclude(pk__in=cared).exists()


@dataclass(frozen=True)
class Kind:
    """One kind of task.

    `run` does the work, in the language of the owner and the time zone that they chose. It may raise TaskFailed with a code of
    `reasons`: what happened, and what helps. `title` names the task for a reader who sees all its patients; `counted` says how far
    it is, and `about` what it makes. `may_run` is asked before it runs and again before each download. With `shows_patients` a
    download adds an EXPORT entry to the access log of each patient, on the page `task_NAME`. The title of a pseudonymous kind names
    no one: its owner sees it listed without seeing the patients.
    """

    icon: str
    run: Run
    title: Callable[[Task], str]
    about: Callable[[Task], str]
    counted: Callable[[int, int], str] | None = None
    reasons: Mapping[str, tuple[Words, Words]] = field(default_factory=dict)
    may_run: Callable[[Task], bool] = owner_cares
    shows_patients: bool = True
    is_pseudonymous: bool = False
