"""The head of the access log: its newest entry at some moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from patients.models.access import FIRST_SEAL, AccessLog, moment


@dataclass(frozen=True)
class Head:
    """The newest entry at some moment. A copy kept elsewhere shows later whether the end of the log was cut off."""

    sequence: int
    seal: str
    at: str

    @classmethod
    def of(cls, entry: AccessLog) -> Head:
        """Return the head of a log that ends with `entry`."""
        return cls(entry.sequence, entry.seal, moment(entry.at))

    def as_json(self) -> str:
        """Return the head as one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Head:
        """Return the head that `as_json` wrote, or that of a line that was sent. Raises ValueError for anything else."""
        try:
            facts = json.loads(text)
            return cls(int(facts["sequence"]), str(facts["seal"]), str(facts["at"]))
        except (TypeError, KeyError) as error:
            raise ValueError("This is not an exported head.") from error


def read_head() -> Head:
    """Return the newest entry; sequence 0 while there is none."""
    last = AccessLog.objects.order_by("-sequence").first()
    return Head.of(last) if last else Head(0, FIRST_SEAL, "")
