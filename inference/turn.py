"""Whose photo is read next: one of each person in turn, however many photos they have sent."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min, Q
from django.utils import timezone

from inference.models import Prediction
from inference.photo import PERSON_PATH

RECENTLY = timedelta(minutes=5)
"""How far back it matters when a photo of someone was read: longer than one round of all who wait usually takes."""
TRIES = 5


def claim_next(named: str) -> Prediction | None:
    """Claim the photo whose turn it is for this worker and return it; None when none waits.

    A message names a prediction, `named`, and stands for one reading of any. It comes first itself when it was tried before: it was
    handed out again then, when the time was right. Otherwise the next is of the person whose photos were last taken up longest ago,
    and of theirs the one that has waited longest.
    """
    if Prediction.objects.filter(id=named, state=Prediction.State.QUEUED, attempts__gt=0).exists():
        return Prediction.objects.claim(named)
    for _ in range(TRIES):
        candidate = _whose_turn()
        if candidate is None:
            return None
        if claimed := Prediction.objects.claim(str(candidate)):
            return claimed
    return Prediction.objects.claim(named)  # other workers were faster each time


def _whose_turn() -> UUID | None:
    waiting = Prediction.objects.filter(state=Prediction.State.QUEUED, attempts=0)
    first_of = dict(waiting.order_by().values_list(PERSON_PATH).annotate(Min("queued_at")))
    if not first_of:
        return None
    taken = _last_taken() if len(first_of) > 1 else {}
    long_ago = timezone.now() - 2 * RECENTLY
    person = min(first_of, key=lambda one: (taken.get(one) or long_ago, first_of[one]))
    return waiting.filter(**{PERSON_PATH: person}).order_by("queued_at", "id").values_list("id", flat=True).first()


def _last_taken() -> dict[int, datetime]:
    """Return when a worker last took up a photo of each person, of the photos that are being read or were read recently."""
    finished = [state for state in Prediction.State if state not in Prediction.UNFINISHED]
    recent = Q(state=Prediction.State.RUNNING) | Q(state__in=finished, finished_at__gt=timezone.now() - RECENTLY)
    rows = Prediction.objects.filter(recent, started_at__isnull=False).order_by()
    return dict(rows.values_list(PERSON_PATH).annotate(Max("started_at")))
