"""Requests for erasure: what is erased, who asked for it, when, and whether it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption import patient_keys
from patients.models.access import pseudonym
from patients.models.patient import Patient
from patients.models.user import User

# Above the hard time limit of a task: a worker that started it longer ago is dead.
ABANDONED_AFTER = timedelta(minutes=2)


class ErasureRequestQuerySet(models.QuerySet["ErasureRequest"]):
    """Queries on requests for erasure."""

    def open_for(self, patient: Patient) -> ErasureRequest | None:
        """Return the patient's open request, made by a person or by a withdrawal of consent; None when there is none."""
        return self.open().filter(patient=patient).first()

    def open(self) -> ErasureRequestQuerySet:
        """Return the requests that are not done yet."""
        return self.filter(state__in=ErasureRequest.OPEN)

    def due(self) -> ErasureRequestQuerySet:
        """Return the requests to carry out now: those that are due, and those whose worker paused or died."""
        now = timezone.now()
        abandoned = Q(started_at=None) | ~Q(started_at__range=(now - ABANDONED_AFTER, now + ABANDONED_AFTER))
        return self.filter(Q(state=ErasureRequest.State.QUEUED, due_at__lte=now) | Q(abandoned, state=ErasureRequest.State.RUNNING))

    def claim(self, pk: int) -> ErasureRequest | None:
        """Claim the request and return it; None when another worker has it or it was stopped."""
        claimed = self.due().filter(pk=pk).update(state=ErasureRequest.State.RUNNING, started_at=timezone.now())
        return self.select_related("patient", "asked_by").get(pk=pk) if claimed else None


class ErasureRequest(models.Model):
    """One request to erase a patient's data. The row is the truth; a message in the queue only wakes a worker.

    ::

        QUEUED -> RUNNING -> DONE
          |         |
          |         +-> RUNNING again after a pause, or after the worker died: every step can be repeated
          +-> STOPPED, before it is due
    """

    class Level(models.TextChoices):
        IMAGES = "images", _("Photos")
        ANONYMISE = "anonymise", _("Photos and names")
        ALL = "all", _("Everything")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Being carried out")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    class Cause(models.TextChoices):
        REQUEST = "request", _("Asked for")
        WITHDRAWAL = "withdrawal", _("Consent was withdrawn")

    OPEN: ClassVar = (State.QUEUED, State.RUNNING)

    patient = models.ForeignKey(Patient, null=True, on_delete=models.SET_NULL, related_name="erasure_requests")
    pseudonym = models.CharField(max_length=32)  # all that remains of the patient afterwards, as in the access log
    level = models.CharField(_("what is erased"), max_length=10, choices=Level.choices)
    cause = models.CharField(max_length=10, choices=Cause.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    photos_erased = models.PositiveIntegerField(default=0)
    keys_of = models.UUIDField(null=True, editable=False)  # whose keys are still to be destroyed, once all else is committed

    objects = ErasureRequestQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient"], condition=Q(state="queued"), name="one_waiting_erasure_per_patient"),
            models.CheckConstraint(condition=~Q(state="done") | Q(done_at__isnull=False), name="done_erasure_says_when"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.level} {self.state}"

    @classmethod
    def queue(cls, patient: Patient, level: str, by: User, cause: str, due_at: datetime | None = None) -> ErasureRequest:
        """Return the patient's waiting request, created or extended: it erases at least `level`, no later than `due_at`."""
        due_at = due_at or timezone.now()
        waiting = cls.objects.select_for_update().filter(patient=patient, state=cls.State.QUEUED).first()
        if waiting is None:
            return cls.objects.create(
                patient=patient, pseudonym=pseudonym(patient.pk), level=level, cause=cause, asked_by=by, due_at=due_at
            )
        waiting.level = max(waiting.level, level, key=cls.Level.values.index)
        waiting.due_at = min(waiting.due_at, due_at)
        # A new consent cancels a withdrawal, but never a request by a person.
        if cause == cls.Cause.REQUEST:
            waiting.cause, waiting.asked_by = cause, by
        waiting.save(update_fields=["level", "due_at", "cause", "asked_by"])
        return waiting

    def stop(self) -> bool:
        """Cancel the request. Return False when it has begun."""
        return bool(ErasureRequest.objects.filter(pk=self.pk, state=self.State.QUEUED).update(state=self.State.STOPPED))

    def pause(self) -> None:
        """Leave the rest to the next run. The request is due at once, and can no longer be stopped."""
        self.started_at = None
        self.save(update_fields=["started_at"])

    def finish(self) -> None:
        """Mark the request as done, now or at the time it has: of an erasure that is carried out again."""
        self.state, self.done_at = self.State.DONE, self.done_at or timezone.now()
        self.save(update_fields=["state", "done_at", "photos_erased", "level", "keys_of"])

    def forget_keys(self) -> None:
        """Destroy the keys of what was erased, wherever copies of it lie."""
        if self.keys_of is not None:
            patient_keys.destroy(self.keys_of)
            self.keys_of = None
            self.save(update_fields=["keys_of"])
