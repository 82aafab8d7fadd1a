"""Hands photos to the workers: after commit, by id, and never at the price of the upload."""

import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.health import last_heartbeat
from inference.models import Prediction
from inference.tasks import explain, predict
from ml.serve.expressions import FaceBox

log = logging.getLogger(__name__)


class HasId(Protocol):
    """A photo, as far as this room needs to know it."""

    @property
    def pk(self) -> UUID: ...


@lru_cache(maxsize=4)
def _version(path: Path, modified_ns: int) -> str:
    return str(json.loads(path.read_text())["version"])


def current_model_version() -> str:
    """Return the version of the weights in settings.MODEL_DIR, read again when the file changes.

    Empty when it cannot be read: an upload must not fail for it, and the worker writes the version that it used into the row.
    """
    path = settings.MODEL_DIR / "model.json"
    try:
        return _version(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        log.exception("The model's version cannot be read")
        return ""


def loaded_model_version() -> str:
    """Return the version that the workers have loaded, as the last of them said; that in settings.MODEL_DIR while none lives.

    After an update the files are newer than a worker that was not restarted yet, and it could not read what is asked of them.
    """
    heartbeat = last_heartbeat()
    return heartbeat.model if heartbeat and heartbeat.is_fresh and heartbeat.model else current_model_version()


def hand_over(prediction_id: UUID, queue: str = "photos") -> None:
    """Send the id to `queue` once the surrounding transaction is committed. With the broker down the row simply waits.

    "again" is for photos that nobody waits for at this moment; workers take from both in turn.
    A lambda, not a partial: Django 5.2 logs the callable's __qualname__ when a robust callback fails, and a partial has none.
    """
    transaction.on_commit(lambda: predict.apply_async((str(prediction_id),), queue=queue), robust=True)


def request_prediction(photo: HasId) -> Prediction:
    """Return the prediction of `photo` by the current model, queued if it is new."""
    with transaction.atomic():
        prediction, is_new = Prediction.objects.get_or_create(photo_id=photo.pk, model_version=current_model_version())
        if is_new:
            hand_over(prediction.id)
    return prediction


def request_again(prediction: Prediction, face: int | None = None) -> bool:
    """Queue a final prediction again, to read face number `face` (index into its faces) if given.

    Return False when it is being read already, or may not be read. Raises IndexError for a face that is not there.
    """
    box = FaceBox(**prediction.faces[face]["box"]) if face is not None else None
    if not prediction.photo.may_be_read:
        return False
    with transaction.atomic():
        queued = prediction.requeue(box)
        if queued:
            hand_over(prediction.id)
    return queued


def request_explanation(prediction: Prediction) -> bool:
    """Queue the map of what moved the score. Return False when it is there, on its way, or can no longer be made.

    It can be made for as long as the network that read the photo is the current one, and the photo may be read.
    """
    askable = prediction.explanation in ("none", "lost") and prediction.state == Prediction.State.DONE
    if not askable or prediction.model_version != current_model_version() or not prediction.photo.may_be_read:
        return False
    with transaction.atomic():
        Prediction.objects.filter(id=prediction.id).update(explanation_requested_at=timezone.now())
        transaction.on_commit(lambda: explain.delay(str(prediction.id)), robust=True)
    return True
