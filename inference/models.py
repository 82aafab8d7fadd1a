"""The row that keeps what one model version says of one photo."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from encryption.fields import EncryptedBinaryField
from ml.serve.expressions import EXPRESSIONS, FaceBox, Outcome, Reading, valence_index

MAX_ATTEMPTS = 3
NO_EXPLANATION = {"explanation_requested_at": None, "explanation_png": None, "explanation_drop": None}
EXPLANATION_PATIENCE = timedelta(seconds=30)
"""An explanation takes a second. One that has not come by then can be asked for again."""


class PredictionQuerySet(models.QuerySet["Prediction"]):
    """Questions to many predictions."""

    def claim(self, prediction_id: str) -> Prediction | None:
        """Return the prediction as ours to work on; None when somebody else has it or it is gone."""
        now = timezone.now()
        claimed = self.filter(id=prediction_id, state=Prediction.State.QUEUED).update(
            state=Prediction.State.RUNNING, started_at=now, attempts=F("attempts") + 1
        )
        return self.filter(id=prediction_id).first() if claimed else None

    def unfinished(self) -> PredictionQuerySet:
        """Return those that a worker has or will have."""
        return self.filter(state__in=Prediction.UNFINISHED)

    def drop(self, reason: str) -> int:
        """End the unfinished ones and return how many. What a worker reads or draws now is thrown away when it is done.

        What was read before stays: a row that still holds its shares is DONE again, and one that never came to an end goes without
        a trace when the photo has one that did, and did not fail. Any other ends as REJECTED for `reason`.
        """
        # By their ids: with a join, PostgreSQL would look at a row that a worker has just finished as it was before.
        found = Prediction.objects.filter(pk__in=list(self.values_list("pk", flat=True)))
        found.filter(explanation_drop=None).exclude(explanation_requested_at=None).update(explanation_requested_at=None)
        ended = found._restore()
        silent = (*Prediction.UNFINISHED, Prediction.State.FAILED)
        said = Prediction.objects.filter(photo=OuterRef("photo")).exclude(state__in=silent)
        ended += found.unfinished().filter(Exists(said), finished_at=None).delete()[0]
        return ended + found.unfinished().update(state=Prediction.State.REJECTED, reason=reason, finished_at=timezone.now())

    def _restore(self) -> int:
        """Make the unfinished ones that hold seven shares DONE again; return how many.

        Each goes back to where it stood among the readings of its photo: another model's may be the newer one.
        """
        read = self.unfinished().filter(finished_at__isnull=False, **{f"{name}__isnull": False for name in EXPRESSIONS})
        return read.update(state=Prediction.State.DONE, requested_at=F("finished_at"))

    def overdue(self) -> PredictionQuerySet:
        """Return those that have waited or run for longer than any task may: their worker or their message is lost."""
        now, longest = timezone.now(), timedelta(seconds=settings.READ_TIME_LIMIT_SECONDS + 5)
        usual = (now - longest, now + longest)  # later than that: from before the clock was set back
        waits = Q(state=Prediction.State.QUEUED) & ~Q(queued_at__range=usual)
        return self.filter(waits | Q(state=Prediction.State.RUNNING) & ~Q(started_at__range=usual))


class Prediction(models.Model):
    """What one model version says of one photo.

    ::

        QUEUED -> RUNNING -> DONE | NO_FACE | CHOOSE_FACE | REJECTED(reason) | FAILED(reason)
          ^ |       |
          +-|-------+   sweep, after the time limit, three attempts at most; a worker that has to stop gives it back
          ^ +-------+-> REJECTED(reason), when the consent ends or the picture is erased; DONE, if it was read before
          +--- a clinician chooses a face or retries

    One that never came to an end is deleted when another reading of the photo has the word: the loaded model, another than the
    row's, has made it before, or the consent ended or the picture was erased while this one waited.

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
    DROPPED: ClassVar = ("no_consent", "photo_erased")  # reasons of a refusal that calls for nobody

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    photo = models.ForeignKey("patients.Photo", on_delete=models.CASCADE, related_name="predictions")
    model_version = models.CharField(max_length=40, blank=True)  # empty until read, where the web did not know
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
    explanation_drop = models.FloatField(null=True, blank=True)  # of the named share, at the place that matters most
    abstained = models.BooleanField(default=False)
    milliseconds = models.JSONField(default=dict, blank=True)
    angry = models.FloatField(null=True, blank=True)
    disgust = models.FloatField(null=True, blank=True)
    fear = models.FloatField(null=True, blank=True)
    happy = models.FloatField(null=True, blank=True)
    sad = models.FloatField(null=True, blank=True)
    surprise = models.FloatField(null=True, blank=True)
    neutral = models.FloatField(null=True, blank=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    @property
    def is_final(self) -> bool:
        """Whether the state changes only when a person acts."""
        return self.state not in self.UNFINISHED

    @property
    def counts(self) -> bool:
        """Whether the shares enter summaries: read, and not too close to call."""
        return self.state == self.State.DONE and not self.abstained

    @property
    def has_looked(self) -> bool:
        """Whether a model has looked at the photo, with whatever result.

        A row that waits, failed or was dropped names the model that was asked, and may hold faces and checks of a former reading.
        """
        return self.is_final and self.state != self.State.FAILED and self.reason not in self.DROPPED

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Return the seven shares in label order, or None before there are any."""
        return tuple(getattr(self, name) for name in EXPRESSIONS) if self.state == self.State.DONE else None

    @property
    def valence(self) -> float | None:
        """Return the valence index in [-1, 1], or None before there is one."""
        return None if self.shares is None else valence_index(self.shares)

    @property
    def box_wanted(self) -> FaceBox | None:
        """Return the face that a clinician chose, or None."""
        return FaceBox(**self.wanted_box) if self.wanted_box else None

    @property
    def explanation(self) -> str:
        """Where the map of what moved the score stands: none, waiting, lost (ask again) or done."""
        if self.explanation_drop is not None:
            return "done"
        if self.explanation_requested_at is None:
            return "none"
        return "waiting" if timezone.now() - self.explanation_requested_at < EXPLANATION_PATIENCE else "lost"

    def record_explanation(self, png: bytes, drop: float) -> bool:
        """Store the map. Return False when the row is gone, or has been read anew: then the map is of another face.

        False as well when nobody waits for it any more: the pictures were erased meanwhile, or the consent taken back.
        """
        same = Prediction.objects.filter(id=self.id, state=self.State.DONE, finished_at=self.finished_at)
        wanted = same.filter(explanation_requested_at=self.explanation_requested_at, input_png__isnull=False)
        return bool(wanted.update(explanation_png=png, explanation_drop=drop))

    def place_in_line(self) -> int:
        """Return how many photos are read before this one, itself included."""
        ahead = Q(queued_at__lt=self.queued_at) | Q(queued_at=self.queued_at, id__lt=self.id)
        return Prediction.objects.filter(ahead, state=self.State.QUEUED).count() + 1

    def _mine(self) -> PredictionQuerySet:
        """Return this row as long as the claim that we hold is the newest one."""
        ours = Prediction.objects.filter(id=self.id, state=self.State.RUNNING, attempts=self.attempts)
        return ours.filter(started_at=self.started_at)  # attempts are counted from one again when a person asks anew

    def record(self, reading: Reading) -> bool:
        """Store the reading. Return False when the row is gone or was taken from us meanwhile: then nothing is stored."""
        shares = reading.probabilities if reading.outcome is Outcome.DONE else None
        return bool(
            self._mine().update(
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
                **dict(zip(EXPRESSIONS, shares or (None,) * len(EXPRESSIONS), strict=True)),
            )
        )

    def fail(self, reason: str) -> bool:
        """End as FAILED for `reason`, unless the row is no longer ours."""
        return bool(self._mine().update(state=self.State.FAILED, reason=reason, finished_at=timezone.now()))

    def refuse(self, reason: str) -> bool:
        """End without a reading for `reason`, as `drop` does, unless the row is no longer ours."""
        return bool(self._mine().drop(reason))

    def give_way(self) -> None:
        """Leave the word to the reading that the loaded model made of this photo before, and that the same model cannot make twice.

        A row that never came to an end goes without a trace; another ends as FAILED, if it is still ours.
        """
        if self.finished_at is None:
            self._mine().delete()
        else:
            self.fail("model_changed")

    def release(self) -> bool:
        """Give the claim back: the fault was not the photo's. The sweep hands it out again."""
        return bool(self._mine().update(state=self.State.QUEUED, queued_at=timezone.now()))

    def requeue(self, wanted_box: FaceBox | None = None) -> bool:
        """Queue a final prediction once more, to read `wanted_box` if given; it is the photo's newest then.

        Return False when it is not final.
        """
        now = timezone.now()
        again = Prediction.objects.filter(id=self.id).exclude(state__in=self.UNFINISHED)
        box = asdict(wanted_box) if wanted_box else self.wanted_box
        fields = {"state": self.State.QUEUED, "reason": "", "attempts": 0, "requested_at": now, "queued_at": now, "wanted_box": box}
        return bool(again.update(**fields))
