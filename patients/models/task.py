"""Tasks: long work that runs in a worker while its owner does something else, and the file that comes of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from encryption import patient_keys
from encryption.fields import EncryptedTextField, sealed_values
from encryption.sealing import Sealing
from encryption.storage import SealedFileField
from patients.models.patient import Patient, seen
from patients.models.team import Membership
from patients.models.user import User

FILE_KEPT = timedelta(hours=24)
LISTED_FOR = timedelta(days=7)
MAX_ATTEMPTS = 3
PATIENCE = timedelta(seconds=60)
"""A worker says every few seconds that it lives. After this time without a word it is dead, or the message is lost."""


def task_path(task: Task, file_name: str) -> str:
    """Return a random path, which reveals neither whose file it is nor what is in it."""
    return f"tasks/{uuid.uuid4().hex}"


class TaskQuerySet(models.QuerySet["Task"]):
    """Queries and state changes over many tasks."""

    def open(self) -> TaskQuerySet:
        """Return those that wait or run."""
        return self.filter(state__in=Task.OPEN)

    def about(self, patient: Patient) -> TaskQuerySet:
        """Return those that work on data of `patient`."""
        return self.filter(patients=patient)

    def of_teams_of(self, user: User) -> TaskQuerySet:
        """Return those of the colleagues in the care teams of `user`. Leaves out those about anyone whom `user` does not see."""
        colleagues = Membership.objects.filter(team__memberships__clinician=user).exclude(clinician=user)
        foreign = Task.patients.through.objects.filter(task=OuterRef("pk")).exclude(seen(user, "patient"))
        return self.filter(owner__in=colleagues.values("clinician")).exclude(Exists(foreign))

    def claim(self, pk: str) -> Task | None:
        """Claim a waiting task for this worker and return it; None when another worker has it, or it was cancelled."""
        now = timezone.now()
        claimed = self.filter(pk=pk, state=Task.State.WAITING).update(
            state=Task.State.RUNNING, started_at=now, beat_at=now, attempts=F("attempts") + 1, done=0, total=None
        )
        return self.select_related("owner").filter(pk=pk).first() if claimed else None

    def lost(self) -> TaskQuerySet:
        """Return the open tasks of which nothing was heard for too long."""
        now = timezone.now()
        # Times in the future were written before the clock was set back.
        return self.open().exclude(beat_at__range=(now - PATIENCE, now + PATIENCE))

    def withdraw(self) -> None:
        """End the tasks and delete their files, because someone's data are erased."""
        these = Task.objects.filter(pk__in=list(self.values_list("pk", flat=True)))
        for task in these.exclude(file=""):
            task.drop_file()
        # Without options, which may name a visit, it cannot be run again.
        these.filter(state=Task.State.DONE).update(reason=Task.ERASED)
        these.open().update(state=Task.State.FAILED, reason=Task.ERASED, finished_at=timezone.now())
        these.update(options={})


class Task(models.Model):
    """One piece of long work. The row is the truth; a message in the queue only names it.

    ::

        WAITING -> RUNNING -> DONE | FAILED(reason)
          |  ^       |  |
          |  +-------+  |    sweep, when its worker died; at most three attempts
          +-------------+--> CANCELLED
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN: ClassVar = (State.WAITING, State.RUNNING)
    STUDY_EXPORT: ClassVar = "study_export"  # the kind whose files hold numbers of patients who consent to research
    ERASED: ClassVar = "erased"  # reason: the data it worked on are gone

    sealing: ClassVar = Sealing("pk", is_lazy=True)  # of several patients

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)  # a key of patients.tasks.kinds.KINDS
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks")
    patients = models.ManyToManyField(Patient, related_name="tasks")  # whose data it works on
    options = models.JSONField(default=dict, blank=True)  # ids and choices, never names
    language = models.CharField(max_length=10, blank=True)  # in which the owner started it
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)  # in the unit of its kind: visits, photos
    total = models.PositiveIntegerField(null=True, blank=True)  # None while it is not known
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=40, blank=True)  # a code, why it failed or its file is gone
    detail = models.JSONField(default=dict, blank=True)  # numbers for the words of the reason
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    beat_at = models.DateTimeField(default=timezone.now, editable=False)  # queued, or last sign of life of its worker
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    file = SealedFileField(upload_to=task_path, max_length=60, blank=True)
    file_name = EncryptedTextField(blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0)  # of the file in bytes
    sha256 = models.CharField(max_length=64, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "id")
        indexes: ClassVar = [models.Index(fields=["owner", "state"], name="task_by_owner")]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in self.OPEN

    @property
    def may_run_again(self) -> bool:
        """Whether the same can be asked for once more: it failed, or its file is no longer kept."""
        is_over = self.state == self.State.FAILED or (self.state == self.State.DONE and self.size > 0 and not self.has_download)
        return is_over and self.reason != self.ERASED

    @property
    def kept_until(self) -> datetime | None:
        """Until when its file can be downloaded; None without a file."""
        return self.finished_at + FILE_KEPT if self.file and self.finished_at else None

    @property
    def has_download(self) -> bool:
        """Whether its file can be downloaded now, also between the end of its day and the sweep."""
        return self.kept_until is not None and timezone.now() < self.kept_until

    def heard(self, done: int | None = None, total: int | None = None) -> bool:
        """Note that its worker lives, and how far it is. Return False when the task is no longer this worker's."""
        fields: dict[str, object] = {"beat_at": timezone.now()}
        if done is not None:
            fields |= {"done": done, "total": total}
        return bool(self._mine().update(**fields))

    def finish(self, content: bytes, file_name: str, content_type: str, sha256: str) -> bool:
        """Store the file and mark the task as done. Return False, and leave nothing, when it was cancelled meanwhile."""
        self.file.save(file_name, ContentFile(content), save=False)
        name = self.file.name or ""
        facts = {"file": name, "file_name": file_name, "content_type": content_type, "size": len(content), "sha256": sha256}
        ended = self._mine().update(state=self.State.DONE, finished_at=timezone.now(), **sealed_values(self, **facts))
        if not ended:
            self.file.storage.delete(name)
        return bool(ended)

    def finish_without_file(self) -> bool:
        """Mark the task as done. Return False when it was cancelled meanwhile."""
        return bool(self._mine().update(state=self.State.DONE, finished_at=timezone.now()))

    def fail(self, reason: str, detail: Mapping[str, int | float | str] | None = None) -> None:
        """Mark the task as failed, unless it was cancelled meanwhile."""
        self._mine().update(state=self.State.FAILED, reason=reason, detail=dict(detail or {}), finished_at=timezone.now())

    def cancel(self) -> bool:
        """Cancel the task; its worker notices at its next step. Return False when it is over already."""
        ended = Task.objects.open().filter(pk=self.pk).update(state=self.State.CANCELLED, finished_at=timezone.now())
        return bool(ended)

    def acknowledge(self) -> None:
        """Put a failure away."""
        Task.objects.filter(pk=self.pk, state=self.State.FAILED).update(acknowledged_at=timezone.now())

    def drop_file(self) -> None:
        """Delete the file. The row stays. The file goes first: after a crash in between, the row still points to it."""
        if self.file.name:
            self.file.storage.delete(self.file.name)
        Task.objects.filter(pk=self.pk).update(file="", file_name="", sha256="")
        transaction.on_commit(lambda: patient_keys.destroy(self.pk))

    def _mine(self) -> TaskQuerySet:
        """Return this row while it is in the attempt that this worker claimed."""
        return Task.objects.filter(pk=self.pk, state=self.State.RUNNING, attempts=self.attempts)
