"""Proves that no entry of the access log was changed, removed or moved."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from celery import shared_task

from patients.audit.head import Head, read_head
from patients.models.access import FIRST_SEAL, AccessLog
from patients.models.user import User

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """Where the chain breaks and how: gap, changed, cut_off or empty."""

    sequence: int
    kind: str


def find_faults(kept: Sequence[Head] = ()) -> Iterator[Fault]:
    """Yield every place where the chain breaks, and where it contradicts a head that was kept elsewhere.

    A removed entry leaves a gap, and a changed one has a seal that does not match. Two entries that swapped places are both
    changed. After a fault the search continues from the stored seal, so that one fault is not reported for every later entry.
    An empty log is a fault once someone has signed in: signing in adds an entry.
    """
    seals = {head.sequence: head.seal for head in kept if head.sequence}
    is_former, sequence, seal = True, 0, FIRST_SEAL
    for entry in AccessLog.objects.order_by("sequence").iterator(chunk_size=2000):
        if entry.sequence != sequence + 1:
            yield Fault(sequence + 1, "gap")
        elif entry.seal == entry.sealed_after(seal):
            is_former = False  # no later entry may have a seal of before
        elif not is_former or entry.seal != entry.sealed_after(seal, is_former=True):
            yield Fault(entry.sequence, "changed")
        sequence, seal = entry.sequence, entry.seal
        if seals.pop(sequence, seal) != seal:
            yield Fault(sequence, "changed")
    if any(known > sequence for known in seals):
        yield Fault(sequence + 1, "cut_off")
    elif not sequence and User.objects.exclude(last_login=None).exists():
        yield Fault(1, "empty")


@shared_task
def log_head() -> None:
    """Write the head to the worker's log, once a day: someone who edits the database does not reach that copy."""
    head = read_head()
    log.info("Head of the access log: %s", head.as_json())
