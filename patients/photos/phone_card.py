"""What a visit says of the phone that it was handed to."""

from collections.abc import Iterable
from dataclasses import dataclass

from patients.models import PhonePairing, Photo, User, Visit
from patients.photos.qr_code import QrPicture


@dataclass(frozen=True)
class PhoneCard:
    """How the pairing stands, and which photos from phones are on the page, of earlier pairings too: one may come late.

    Address and picture are there once, with a new code.
    """

    phone_pairing: PhonePairing
    seen: tuple[str, ...] = ()  # short_id() of each: photos sent at the same time need not arrive in the order of their times
    came: int = 0
    address: str = ""
    picture: QrPicture | None = None

    @property
    def state_token(self) -> str:
        """One word for what the page says of it."""
        return "over" if self.phone_pairing.is_over else "open" if self.phone_pairing.opened_at else "waiting"


def short_id(photo: Photo) -> str:
    """Return eight letters that tell the photos of one visit apart and fit into an address sixty times."""
    return photo.pk.hex[:8]


def phone_card(visit: Visit, clinician: User, photos: Iterable[Photo]) -> PhoneCard | None:
    """Return the clinician's pairing of the visit that is going on, or None. `photos` are those on the page. One query."""
    phone_pairing = PhonePairing.objects.going_on().filter(visit=visit, clinician=clinician).first()
    if phone_pairing is None:
        return None
    sent = [photo for photo in photos if photo.phone_pairing_id]
    return PhoneCard(phone_pairing, tuple(map(short_id, sent)), sum(photo.phone_pairing_id == phone_pairing.pk for photo in sent))
