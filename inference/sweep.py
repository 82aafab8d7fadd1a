"""Recovery from faults: predictions whose worker or message was lost are queued again."""

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from inference.dispatch import hand_over
from inference.health import messages_waiting
from inference.models import MAX_ATTEMPTS, Prediction

log = logging.getLogger(__name__)


def sweep_overdue() -> tuple[int, int]:
    """Queue overdue predictions again, and fail those that were tried three times. Return the number of each."""
    queued = failed = 0
    overdue = Prediction.objects.overdue()
    # With at least as many messages as waiting photos, none is lost and the queue is merely long. Sending more would flood it.
    if (messages_waiting("photos", "again") or 0) >= Prediction.objects.filter(state=Prediction.State.QUEUED).count():
        overdue = overdue.exclude(state=Prediction.State.QUEUED)
    for prediction in overdue.only("id", "state", "attempts", "queued_at"):
        # If the row has changed since it was read, a worker or another sweep was faster.
        same = Prediction.objects.filter(
            id=prediction.id, state=prediction.state, attempts=prediction.attempts, queued_at=prediction.queued_at
        )
        now = timezone.now()
        if prediction.attempts >= MAX_ATTEMPTS:
            failed += same.update(state=Prediction.State.FAILED, reason="gave_up", finished_at=now)
            continue
        with transaction.atomic():
            if same.update(state=Prediction.State.QUEUED, queued_at=now):
                queued += 1
                # A queue of its own: behind thousands of these, a new photo would wait long.
                hand_over(prediction.id, queue="again")
    return queued, failed


@shared_task
def sweep() -> None:
    """Recover overdue predictions. Runs every settings.SWEEP_SECONDS."""
    queued, failed = sweep_overdue()
    if queued or failed:
        log.info("Sweep queued %d predictions again and failed %d", queued, failed)
