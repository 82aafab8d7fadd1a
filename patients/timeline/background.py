"""Computes summaries before anyone asks for them: after thousands of photos were read, the next list would wait for all of them."""

import time

from celery import shared_task

from patients.models import Outdated
from patients.timeline.summaries import AT_ONCE, IN_A_LIST, refresh

PORTION_SECONDS = 10
"""How long one task computes: it must end well before the time limit of a task. The next one goes on."""


@shared_task
def refresh_summaries() -> None:
    """Compute what is outdated, the oldest marks first, and remove the marks of rows that are gone."""
    until = time.monotonic() + PORTION_SECONDS
    while time.monotonic() < until and refresh_some():
        pass


def refresh_some() -> int:
    """Compute the summaries of some patients with the oldest marks; return how many marks there were."""
    marks = list(Outdated.objects.with_owner().order_by("pk").values_list("pk", "owner_id")[:IN_A_LIST])
    Outdated.objects.filter(pk__in=[pk for pk, owner in marks if owner is None]).delete()
    owners = dict.fromkeys(owner for _pk, owner in marks if owner)
    refresh(list(owners)[:AT_ONCE])
    return len(marks)
