"""Names that this process has decrypted for a list, so that the next list need not decrypt thousands again.

Kept in memory alone: folded names and canonical record numbers, by what the database holds, of at most 2 × MOST patients. One that
no list has asked for during an hour or two is dropped with the next list, a corrected or erased one too (docs/adr/0143).
"""

import time
from typing import Any

from patients.models.names import Spelt
from patients.models.patient import Patient

KEPT_SECONDS = 3600
MOST = 50_000
Sealed = tuple[str, str]
"""Name and record number as the database holds them."""


class KnownNames:
    """Two generations of spellings: what is asked for moves to the younger one, and the older one is dropped after an hour."""

    def __init__(self) -> None:
        self.young: dict[Sealed, Spelt] = {}
        self.old: dict[Sealed, Spelt] = {}
        self.since = time.monotonic()

    def spelt(self, sealed: Sealed) -> Spelt:
        """Return the spellings of a name and a record number."""
        found = self.young.get(sealed)
        if found is None:
            found = self.old.get(sealed) or Spelt.of(*(_opened(*each) for each in zip(FIELDS, sealed, strict=True)))
            self.young[sealed] = found
        return found

    def age(self) -> None:
        """Begin a new generation where the younger one is full or an hour old. Each list does this first."""
        now = time.monotonic()
        if now - self.since > KEPT_SECONDS or len(self.young) > MOST:
            # After a long pause both are too old.
            self.old = {} if now - self.since > 2 * KEPT_SECONDS else self.young
            self.young, self.since = {}, now


FIELDS = ("name", "record_number")
known_names = KnownNames()


def _opened(field: str, sealed: str) -> str:
    column: Any = Patient._meta.get_field(field)  # Any: the stubs do not know from_db_value
    text: str = column.from_db_value(sealed, None, None)
    return text
