"""The row that stores how one model version reads one photo."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from encryption.fields import EncryptedBinaryField, sealed_values
from encryption.sealing import Sealing
from ml.serve.expressions import EXPRESSIONS, FaceBox, Outcome, Reading, valence_index

MAX_ATTEMPTS = 3
NO_EXPLANATION = {"explanation_requested_at": None, "explanation_png": None, "explanation_drop": None}
EXPLANATION_PATIENCE = timedelta(seconds=30)
"""An explanation takes a second. One that has not arrived by then can be requested again."""


class PredictionQuerySet(models.QuerySet["Prediction"]):
    """Queries and state changes over many predictions."""

    def claim(self, prediction_id: str) -> Prediction | None:
        """Claim a queued prediction for this worker and return it; None when another worker has it or it is gone."""
        now = timezone.now()
        claimed = self.filter(id=prediction_id, state=Prediction.State.QUEUED).update(
            state=Prediction.State.RUNNING, started_at=now, attempts=F("attempts") + 1
        )
        return self.filter(id=prediction_id).first() if claimed else None

    def unfinished(self) -> PredictionQuerySet:
        """Return those that wait for a worker or are with one."""
        return self.filter(state__in=Prediction.UNFINISHED)

    def drop(self, reason: str) -> int:
        """End the unfinished predictions and return their number. Results that workers are producing now are discarded.

        Earlier results stay: a row that still holds its probabilities becomes DONE again. A row that was never finished is deleted
        when the photo has another finished one that did not fail. Any other ends as REJECTED for `reason`.
        """
        # By id: with a join, PostgreSQL would use an outdated version of a row that a worker has just finished.
        these = Prediction.objects.filter(pk__in=list(self.values_list("pk", flat=True)))
        these.filter(explanation_drop=None).exclude(explanation_requested_at=None).update(explanation_requested_at=None)
        ended = these._restore()
        without_result = (*Prediction.UNFINISHED, Prediction.State.FAILED)
        with_result = Prediction.objects.filter(photo=OuterRef("photo")).exclude(state__in=without_result)
        ended += these.unfinished().filter(Exists(with_result), finished_at=None).delete()[0]
        return ended + these.unfinished().update(state=Prediction.State.REJECTED, reason=reason, finished_at=timezone.now())

    def _restore(self) -> int:
        """Make the unfinished predictions that hold seven probabilities DONE again; return their number.

        Each returns to its former place among the photo's readings: another model's reading may be newer.
        """
        read = self.unfinished().filter(finished_at__isnull=False, **{f"{name}__isnull": False for name in EXPRESSIONS})
        return read.update(state=Prediction.State.DONE, requested_at=F("finished_at"))

    def overdue(self) -> PredictionQuerySet:
        """Return those that have waited or run longer than any task may: their worker or message is lost."""
        now, longest = timezone.now(), timedelta(seconds=settings.READ_TIME_LIMIT_SECONDS + 5)
        # Times further in the future were written before the clock was set back.
        usual = (now - longest, now + longest)
        waits = Q(state=Prediction.State.QUEUED) & ~Q(queued_at__range=usual)
        return self.filter(waits | Q(state=Prediction.State.RUNNING) & ~Q(started_at__range=usual))


class Prediction(models.Model):
    """How one model version reads one photo.

    ::

        QUEUED -> RUNNING -> DONE | NO_FACE | CHOOSE_FACE | REJECTED(reason) | FAILED(reason)
          ^ |       |
          +-|-------+   sweep, after the time limit, at most three attempts; or released by a worker
          ^ +-------+-> REJECTED(reason), when the consent ends or the picture is erased; DONE, if it was read before
          +--- a clinician chooses a face or retries

    A row that was never finished is deleted when another reading of the photo stands: the loaded model is not the row's and has
    read the photo before, or the consent ended or the picture was erased while this row waited.

    The row is the truth; a message in the queue only names it.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        NO_FACE = "no_face"
        CHOOSE_FACE = "choose_face"
        REJECTED = "rejected"
        FAILED = "failed"

    UNFINISHED: ClassVar = (State.QUEUED, State.RUNNING)
    DROPPED: ClassVar = ("no_consent", "photo_erased")  # reasons of REJECTED that need no action

    sealing: ClassVar = Sealing("photo.visit.patient_id")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    photo = models.ForeignKey("patients.Photo", on_delete=models.CASCADE, related_name="predictions")
    model_version = models.CharField(max_length=40, blank=True)  # empty until read, when the web process could not read it
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    faces = models.JSONField(default=list, blank=True)  # [{box: {left, top, width, height}, detector_score, roll_degrees}], pixels
    chosen_face = models.PositiveSmallIntegerField(null=True, blank=True)
    wanted_box = models.JSONField(null=True, blank=True)  # the face a clinician chose
    quality = models.JSONField(default=list, blank=True)  # [{name, measured, limit, passed, reason}]
    input_png = EncryptedBinaryField(null=True, blank=True)
    explanation_requested_at = models.DateTimeField(null=True, blank=True)
    explanation_png = EncryptedBinaryField(null=True, blank=True)
    explanation_drop = models.FloatField(null=True, blank=True)  # of the named probability, at the place that matters most
    abstained = models.BooleanField(default=False)
    milliseconds = models.JSONField(default=dict, blank=True)
    angry = models.FloatField(null=True, blank=True)
    disgust = models.FloatField(null=True, blank=True)
    fear = models.FloatField(null=True, blank=True)
    happy = models.FloatField(null=True, blank=True)
    sad = models.FloatField(null=True, blank=True)
    surprise = models.FloatField(null=True, blank=True)
    neutral = models.FloatField(null=True, blank=True)
    # [seven numbers in label order] of the head that learned FER2013's labels; None for readings before it was kept
    fer2013 = models.JSONField(null=True, blank=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["photo", "model_version"], name="one_prediction_per_model_version"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(**{f"{name}__isnull": False for name in EXPRESSIONS}), name="done_has_seven_shares"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "queued_at"], name="prediction_waiting", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["state", "finished_at"], name="prediction_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    @property
    def is_final(self) -> bool:
        """Whether the state changes only when a clinician acts."""
        return self.state not in self.UNFINISHED

    @property
    def counts(self) -> bool:
        """Whether the probabilities count in summaries: the photo was read, and the result is not too close to call."""
        return self.state == self.State.DONE and not self.abstained

    @property
    def is_processed(self) -> bool:
        """Whether a model has processed the photo, with any result.

        A row that waits, failed or was dropped names the requested model, and may hold faces and checks of an earlier reading.
        """
        return self.is_final and self.state != self.State.FAILED and self.reason not in self.DROPPED

    @property
    def probabilities(self) -> tuple[float, ...] | None:
        """Return the seven probabilities in label order, or None unless DONE."""
        return tuple(getattr(self, name) for name in EXPRESSIONS) if self.state == self.State.DONE else None

    @property
    def fer2013_probabilities(self) -> tuple[float, ...] | None:
        """Return seven probabilities of the FER2013 head in label order; None unless DONE, and for readings that kept none."""
        return tuple(self.fer2013) if self.state == self.State.DONE and self.fer2013 else None

    @property
    def valence(self) -> float | None:
        """Return the valence index in [-1, 1], or None unless DONE."""
        return None if self.probabilities is None else valence_index(self.probabilities)

    @property
    def box_wanted(self) -> FaceBox | None:
        """Return the face that a clinician chose, or None."""
        return FaceBox(**self.wanted_box) if self.wanted_box else None

    @property
    def explanation(self) -> str:
        """Return the state of the explanation: none, waiting, lost (request it again) or done."""
        if self.explanation_drop is not None:
            return "done"
        if self.explanation_requested_at is None:
            return "none"
        return "waiting" if timezone.now() - self.explanation_requested_at < EXPLANATION_PATIENCE else "lost"

    def record_explanation(self, png: bytes, drop: float) -> bool:
        """Store the explanation, a PNG and its largest drop in [0, 1]. Return False when it no longer applies.

        That is the case when the row is gone, when the photo was read again, perhaps another face, or when the pictures were erased
        or the consent withdrawn.
        """
        same = Prediction.objects.filter(id=self.id, state=self.State.DONE, finished_at=self.finished_at)
        requested = same.filter(explanation_requested_at=self.explanation_requested_at, input_png__isnull=False)
        return self._update_sealed(requested, explanation_png=png, explanation_drop=drop)

    def _mine(self) -> PredictionQuerySet:
        """Return this row while our claim on it is the newest."""
        ours = Prediction.objects.filter(id=self.id, state=self.State.RUNNING, attempts=self.attempts)
        # The number of attempts is not enough: it starts again at one when a clinician requests another reading.
        return ours.filter(started_at=self.started_at)

    def record(self, reading: Reading) -> bool:
        """Store the reading. Return False, and store nothing, when the row is gone or no longer ours."""
        probabilities = reading.probabilities if reading.outcome is Outcome.DONE else None
        return self._update_sealed(
            self._mine(),
            **dict[str, Any](
                state=reading.outcome.value,
                reason=reading.reason.value if reading.reason else "",
                model_version=reading.model_version,
                finished_at=timezone.now(),
                faces=[asdict(face) for face in reading.faces],
                chosen_face=reading.chosen,
                quality=[asdict(check) for check in reading.quality],
                input_png=reading.input_png,
                **NO_EXPLANATION,
                abstained=reading.abstained,
                milliseconds=dict(reading.milliseconds),
                fer2013=reading.fer2013 if probabilities else None,
                **dict(zip(EXPRESSIONS, probabilities or (None,) * len(EXPRESSIONS), strict=True)),
            ),
        )

    def _update_sealed(self, rows: PredictionQuerySet, **values: Any) -> bool:  # Any: what the columns hold
        """Update `rows`, this one or none, sealed for the patient of the photo as it is now. Return False when nothing was stored.

        The photo is locked: it may be on its way to another patient.
        """
        with transaction.atomic():
            locked = Prediction.objects.select_related("photo__visit").select_for_update(of=("photo",))
            row = locked.filter(pk=self.pk).first()
            return row is not None and bool(rows.update(**sealed_values(row, **values)))

    def fail(self, reason: str) -> bool:
        """End as FAILED for `reason`, unless the row is no longer ours."""
        return bool(self._mine().update(state=self.State.FAILED, reason=reason, finished_at=timezone.now()))

    def refuse(self, reason: str) -> bool:
        """End without a reading for `reason`, as `drop` does, unless the row is no longer ours."""
        return bool(self._mine().drop(reason))

    def give_way(self) -> None:
        """Yield to the reading that the loaded model has already made of this photo: there is one row per model version.

        A row that was never finished is deleted; any other ends as FAILED, if it is still ours.
        """
        if self.finished_at is None:
            self._mine().delete()
        else:
            self.fail("model_changed")

    def release_or_fail(self, reason: str) -> bool:
        """Give the claim back after a fault that was not the photo's. The sweep hands it out again.

        The last attempt ends as FAILED for `reason`. Return False when the row is no longer ours.
        """
        if self.attempts >= MAX_ATTEMPTS:
            return self.fail(reason)
        return bool(self._mine().update(state=self.State.QUEUED, queued_at=timezone.now()))

    def release(self) -> bool:
        """Give the claim back without counting the attempt: the photo was not opened. Return False when it is no longer ours."""
        return bool(self._mine().update(state=self.State.QUEUED, queued_at=timezone.now(), attempts=self.attempts - 1))

    def requeue(self, wanted_box: FaceBox | None = None) -> bool:
        """Queue a final prediction again, to read `wanted_box` if given; it becomes the photo's newest.

        Return False when it is not final.
        """
        now = timezone.now()
        again = Prediction.objects.filter(id=self.id).exclude(state__in=self.UNFINISHED)
        box = asdict(wanted_box) if wanted_box else self.wanted_box
        fields = {"state": self.State.QUEUED, "reason": "", "attempts": 0, "requested_at": now, "queued_at": now, "wanted_box": box}
        return bool(again.update(**fields))
