"""Hands photos to the workers: after commit, by id. An upload succeeds even when this fails."""

import json
import logging
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.health import last_heartbeat
from inference.models import Prediction
from inference.photo import ReadablePhoto
from inference.tasks import explain, predict
from ml.serve.expressions import FaceBox

log = logging.getLogger(__name__)


@lru_cache(maxsize=4)
def _version(path: Path, modified_ns: int) -> str:
    return str(json.loads(path.read_text())["version"])


def current_model_version() -> str:
    """Return the version of the weights in settings.MODEL_DIR, read again when the file changes.

    Empty when it cannot be read, so that the upload succeeds; the worker writes the version that it used into the row.
    """
    path = settings.MODEL_DIR / "model.json"
    try:
        return _version(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        log.exception("The model's version cannot be read")
        return ""


def loaded_model_version() -> str:
    """Return the version in the last heartbeat of a worker, or that in settings.MODEL_DIR when no worker is alive.

    After an update, a worker that was not restarted still runs the older version and cannot serve requests for the new one.
    """
    heartbeat = last_heartbeat()
    return heartbeat.model if heartbeat and heartbeat.is_fresh and heartbeat.model else current_model_version()


def hand_over(prediction_id: UUID, queue: str = "photos") -> None:
    """Send the id to `queue` once the surrounding transaction is committed. With the broker down the row waits for the sweep.

    The queue "again" is for photos that no one is waiting for; workers take from both queues in turn.
    """
    # A lambda, not a partial: Django 5.2 logs the callable's __qualname__ when a robust callback fails, and a partial has none.
    transaction.on_commit(lambda: predict.apply_async((str(prediction_id),), queue=queue), robust=True)


def request_prediction(photo: ReadablePhoto) -> Prediction:
    """Return the prediction of `photo` by the current model; a new one is queued."""
    with transaction.atomic():
        prediction, is_new = Prediction.objects.get_or_create(photo_id=photo.pk, model_version=current_model_version())
        if is_new:
            hand_over(prediction.id)
    return prediction


def request_again(prediction: Prediction, face: int | None = None) -> bool:
    """Queue a final prediction again, to read the face at index `face` of its faces if given.

    Return False when it is already waiting or being read, or may not be read. Raises IndexError for a face that does not exist.
    """
    box = FaceBox(**prediction.faces[face]["box"]) if face is not None else None
    photo: ReadablePhoto = prediction.photo
    if not photo.may_be_read:
        return False
    with transaction.atomic():
        queued = prediction.requeue(box)
        if queued:
            hand_over(prediction.id)
    return queued


def request_explanation(prediction: Prediction) -> bool:
    """Queue the explanation of a prediction. Return False when it exists, is on its way, or can no longer be made.

    It can be made while the network that read the photo is the current one and the photo may be read.
    """
    photo: ReadablePhoto = prediction.photo
    is_missing = prediction.explanation in ("none", "lost") and prediction.state == Prediction.State.DONE
    if not is_missing or prediction.model_version != current_model_version() or not photo.may_be_read:
        return False
    with transaction.atomic():
        Prediction.objects.filter(id=prediction.id).update(explanation_requested_at=timezone.now())
        transaction.on_commit(lambda: explain.delay(str(prediction.id)), robust=True)
    return True
