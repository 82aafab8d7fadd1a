"""The photos of a visit that gave no result, folded into one strip."""

from collections import Counter
from dataclasses import dataclass

from patients.readings.photo_card import PhotoCard

PICTURED = 12


@dataclass(frozen=True)
class Unusable:
    """The cards of the unusable photos."""

    cards: list[PhotoCard]

    @property
    def open(self) -> list[PhotoCard]:
        """Those that no one has dismissed."""
        return [card for card in self.cards if card.photo.dismissed_at is None]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why they gave no result, with how many each; the most frequent first."""
        return Counter(str(card.refusal.title) for card in self.cards).most_common()

    @property
    def pictured(self) -> list[PhotoCard]:
        """Those that are shown as small pictures."""
        return [card for card in self.cards if not card.photo.is_erased][:PICTURED]

    @property
    def more(self) -> int:
        """How many are not."""
        return len(self.cards) - len(self.pictured)
