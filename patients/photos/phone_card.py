"""The card on a visit's page that shows the state of its phone pairing."""

from collections.abc import Iterable
from dataclasses import dataclass

from patients.models import PhonePairing, Photo, User, Visit
from patients.photos.qr_code import QrPicture


@dataclass(frozen=True)
class PhoneCard:
    """The state of the pairing, and the photos from phones on the page, including late ones of earlier pairings.

    `came` counts the photos of this pairing. `address` and `picture` are set only for a new code, which is shown once.
    """

    phone_pairing: PhonePairing
    seen: tuple[str, ...] = ()  # short_id() of each, not a time: photos sent at once may arrive in another order
    came: int = 0
    address: str = ""
    picture: QrPicture | None = None

    @property
    def state_token(self) -> str:
        """The state as one word, by which a page notices a change."""
        return "over" if self.phone_pairing.is_over else "open" if self.phone_pairing.opened_at else "waiting"


def short_id(photo: Photo) -> str:
    """Return eight hex digits: enough to distinguish the photos of one visit, and short enough for sixty in a URL."""
    return photo.pk.hex[:8]


def phone_card(visit: Visit, clinician: User, photos: Iterable[Photo]) -> PhoneCard | None:
    """Return the card of the clinician's current pairing of the visit, or None. `photos` are those on the page.

    One query; none where the visit was read with the column `is_paired`, and is not.
    """
    if not visit.__dict__.get("is_paired", True):
        return None
    phone_pairing = PhonePairing.objects.going_on().filter(visit=visit, clinician=clinician).first()
    if phone_pairing is None:
        return None
    sent = [photo for photo in photos if photo.phone_pairing_id]
    return PhoneCard(phone_pairing, tuple(map(short_id, sent)), sum(photo.phone_pairing_id == phone_pairing.pk for photo in sent))
