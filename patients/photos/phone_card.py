"""What a visit says of the phone that it was handed to."""

from collections.abc import Iterable
from dataclasses import dataclass

from patients.models import HandOff, Photo, User, Visit
from patients.photos.qr_code import QrPicture


@dataclass(frozen=True)
class PhoneCard:
    """How the hand-off stands, and which photos from phones are on the page, of earlier hand-offs too: one may come late.

    Address and picture are there once, with a new code.
    """

    hand_off: HandOff
    seen: tuple[str, ...] = ()  # short_id() of each: photos sent at the same time need not arrive in the order of their times
    came: int = 0
    address: str = ""
    picture: QrPicture | None = None

    @property
    def stands(self) -> str:
        """One word for what the page says of it."""
        return "over" if self.hand_off.is_over else "open" if self.hand_off.opened_at else "waiting"


def short_id(photo: Photo) -> str:
    """Return eight letters that tell the photos of one visit apart and fit into an address sixty times."""
    return photo.pk.hex[:8]


def phone_card(visit: Visit, clinician: User, photos: Iterable[Photo]) -> PhoneCard | None:
    """Return the clinician's hand-off of the visit that is going on, or None. `photos` are those on the page. One query."""
    hand_off = HandOff.objects.going_on().filter(visit=visit, clinician=clinician).first()
    if hand_off is None:
        return None
    sent = [photo for photo in photos if photo.hand_off_id]
    return PhoneCard(hand_off, tuple(map(short_id, sent)), sum(photo.hand_off_id == hand_off.pk for photo in sent))
