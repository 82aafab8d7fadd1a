"""Names that this process has decrypted for a list, so that the next list need not decrypt thousands again.

Kept in memory alone: folded names and canonical record numbers, by what the database holds, of at most 2 × MOST patients. One that
no list has asked for during an hour or two is dropped with the next list, a corrected or erased one too (docs/adr/0143).
"""

import time
from uuid import UUID

from encryption.fields import Sealed, SealedMixin
from encryption.seal import Place
from patients.models.names import Spelt
from patients.models.patient import Patient

KEPT_SECONDS = 3600
MOST = 50_000
Held = tuple[str, str, str]
"""The id of a patient, then name and record number as the database holds them: they open for this patient alone."""


class KnownNames:
    """Two generations of spellings: what is asked for moves to the younger one, and the older one is dropped after an hour."""

    def __init__(self) -> None:
        self.young: dict[Held, Spelt] = {}
        self.old: dict[Held, Spelt] = {}
        self.since = time.monotonic()

    def spelt(self, held: Held) -> Spelt:
        """Return the spellings of a name and a record number. Raises SealBroken."""
        found = self.young.get(held)
        if found is None:
            found = self.old.get(held) or Spelt.of(
                *(_opened(name, held[0], text) for name, text in zip(FIELDS, held[1:], strict=True))
            )
            self.young[held] = found
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


def _opened(name: str, key: str, text: str) -> str:
    field = Patient._meta.get_field(name)
    assert isinstance(field, SealedMixin)
    owner = UUID(key)
    place = Place(Patient._meta.label, name, str(owner), str(owner))
    return str(field.opened_at(place, Sealed(text), owner)) if text else ""
