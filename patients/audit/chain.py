"""Proves that no entry of the access log was changed, removed or moved."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from celery import shared_task

from patients.models.access import FIRST_SEAL, AccessLog, moment

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """The newest entry at some moment. A copy kept elsewhere shows later whether the end of the log was cut off."""

    sequence: int
    seal: str
    at: str

    def as_json(self) -> str:
        """Return the head as one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Head":
        """Return the head that `as_json` wrote. Raises ValueError for anything else."""
        try:
            facts = json.loads(text)
            return cls(int(facts["sequence"]), str(facts["seal"]), str(facts["at"]))
        except (TypeError, KeyError) as error:
            raise ValueError("This is not an exported head.") from error


@dataclass(frozen=True)
class Fault:
    """Where the chain breaks and how: gap, changed or cut_off."""

    sequence: int
    kind: str


def read_head() -> Head:
    """Return the newest entry; sequence 0 while there is none."""
    last = AccessLog.objects.order_by("-sequence").first()
    return Head(last.sequence, last.seal, moment(last.at)) if last else Head(0, FIRST_SEAL, "")


def find_faults(kept: Head | None = None) -> Iterator[Fault]:
    """Yield every place where the chain breaks, and where it contradicts a head that was kept elsewhere.

    A removed entry leaves a gap, and a changed one has a seal that does not match. Two entries that swapped places are both
    changed. After a fault the search continues from the stored seal, so that one fault is not reported for every later entry.
    """
    sequence, seal, is_kept_found = 0, FIRST_SEAL, kept is None or kept.sequence == 0
    for entry in AccessLog.objects.order_by("sequence").iterator(chunk_size=2000):
        if entry.sequence != sequence + 1:
            yield Fault(sequence + 1, "gap")
        elif entry.seal != entry.sealed_after(seal):
            yield Fault(entry.sequence, "changed")
        sequence, seal = entry.sequence, entry.seal
        if kept and kept.sequence == sequence:
            is_kept_found = True
            if kept.seal != seal:
                yield Fault(sequence, "changed")
    if kept and not is_kept_found:
        yield Fault(sequence + 1, "cut_off")


@shared_task
def log_head() -> None:
    """Write the head to the worker's log, once a day: someone who edits the database does not reach that copy."""
    head = read_head()
    log.info("Head of the access log: %s", head.as_json())
