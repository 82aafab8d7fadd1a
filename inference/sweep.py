"""The one road back from a fault: predictions whose worker or message was lost are queued again."""

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from inference.dispatch import hand_over
from inference.health import messages_waiting
from inference.models import MAX_ATTEMPTS, Prediction

log = logging.getLogger(__name__)


def sweep_overdue() -> tuple[int, int]:
    """Queue overdue predictions again; fail those that were tried three times. Return how many of each."""
    queued = failed = 0
    overdue = Prediction.objects.overdue()
    # As many messages as photos that wait: none is lost, the queue is long. Sent again each time, they would outgrow the photos.
    if (messages_waiting("photos", "again") or 0) >= Prediction.objects.filter(state=Prediction.State.QUEUED).count():
        overdue = overdue.exclude(state=Prediction.State.QUEUED)
    for prediction in overdue.only("id", "state", "attempts", "queued_at"):
        # The row must still be as it was read, or a worker or another sweep has been faster.
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
                # Among thousands that are sent again, a fresh photo would wait long.
                hand_over(prediction.id, queue="again")
    return queued, failed


@shared_task
def sweep() -> None:
    """Bring overdue predictions back. Runs every settings.SWEEP_SECONDS."""
    queued, failed = sweep_overdue()
    if queued or failed:
        log.info("Sweep queued %d predictions again and failed %d", queued, failed)
