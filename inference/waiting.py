"""How long photos still wait for a worker, from how long the last ones took to read."""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from statistics import fmean
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from inference.models import Prediction
from inference.photo import PERSON_PATH

LAST = 20
"""How many of the last readings count."""
RECENTLY = timedelta(minutes=10)


def seconds_until_read(predictions: Collection[UUID]) -> dict[UUID, float]:
    """Return for each of these predictions that waits in how many seconds it is read; empty while no photo was read recently.

    Reckons with one of each person in turn (inference.turn), and with as many workers as are reading now. Two queries.
    """
    took = _reading_seconds() if predictions else []
    if not took:
        return {}
    alive = timezone.now() - timedelta(seconds=settings.READ_TIME_LIMIT_SECONDS)
    unfinished = Prediction.objects.unfinished().order_by("queued_at", "id")
    rows = list(unfinished.values_list("id", PERSON_PATH, "state", "started_at"))
    workers = sum(
        state == Prediction.State.RUNNING and started_at is not None and started_at > alive
        for _id, _person, state, started_at in rows
    )
    waiting = {pk: person for pk, person, state, _started_at in rows if state == Prediction.State.QUEUED}
    counts, found, seen = Counter(waiting.values()), dict[UUID, float](), Counter[int]()
    for pk, person in waiting.items():
        seen[person] += 1
        if pk in predictions:
            before = sum(_before(count, seen[person]) for one, count in counts.items() if one != person)
            found[pk] = fmean(took) * (seen[person] + before) / max(1, workers)
    return found


def _before(count: int, place: int) -> float:
    """Return how many of someone's `count` photos come before the photo in the given place, from 1, of another person.

    Whether they come first in the round in which that photo is read is not known: it counts half.
    """
    return count if count < place else place - 0.5


def _reading_seconds() -> list[float]:
    """Return how long each of the last photos took to read; empty when none was read recently."""
    finished = [state for state in Prediction.State if state not in Prediction.UNFINISHED]
    recent = Prediction.objects.filter(state__in=finished, finished_at__gt=timezone.now() - RECENTLY, started_at__isnull=False)
    times = recent.order_by("-finished_at").values_list("started_at", "finished_at")[:LAST]
    return [(finished_at - started_at).total_seconds() for started_at, finished_at in times if started_at and finished_at]
