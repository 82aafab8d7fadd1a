"""What the page of a visit shows: the drop zone, the photos, what they say together, and what is written beside them."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import ngettext

from patients.care.banner import banner_of
from patients.forms.note import VisitNoteForm
from patients.forms.self_report import SelfReportForm, report_of
from patients.models import User, Visit
from patients.models.photo import PhotoQuerySet
from patients.photos.codes import RejectedPhoto
from patients.photos.other_days import other_days
from patients.photos.phone_card import phone_card
from patients.readings.photo_card import Kind, PhotoCard, cards_of, count_filters, passes
from patients.readings.visit_summary import summarise


@dataclass(frozen=True)
class Limits:
    """What the drop zone says of its limits."""

    max_bytes: int
    room: int

    @property
    def text(self) -> str:
        """Return the limits as one sentence or two."""
        text = ngettext(
            "JPEG, PNG, WebP, HEIC or AVIF, up to %(megabytes)d MB and %(megapixels)d megapixels each."
            " One more fits in this visit.",
            "JPEG, PNG, WebP, HEIC or AVIF, up to %(megabytes)d MB and %(megapixels)d megapixels each."
            " %(room)d more fit in this visit.",
            self.room,
        )
        numbers = {"megabytes": self.max_bytes // 1_000_000, "megapixels": settings.PHOTO_MAX_PIXELS // 1_000_000}
        return text % (numbers | {"room": self.room})

    @property
    def too_large(self) -> str:
        """Return what is said of a larger file."""
        return RejectedPhoto("too_large").message()


def visit_page(
    visit: Visit, photos: PhotoQuerySet, user: User, show: str, note_form: VisitNoteForm | None = None
) -> dict[str, object]:
    """Return what the page shows, with the cards of those photos that pass the filter `show`."""
    cards = cards_of(photos)
    days = list(visit.patient.visits.order_by("date", "created_at").only("pk", "date", "patient"))
    at = [each.pk for each in days].index(visit.pk)
    return (
        banner_of(visit.patient)
        | _state(visit, cards)
        | {
            "cards": [card for card in cards if passes(card, show)],
            "show": show,
            "number": at + 1,
            "previous": days[at - 1] if at else None,
            "next": days[at + 1] if at + 1 < len(days) else None,
            "form": SelfReportForm(instance=report_of(visit)),
            "note_form": note_form or VisitNoteForm(instance=visit),
            "phone": phone_card(visit, user, (card.photo for card in cards)),
        }
    )


def visit_state(visit: Visit, photos: PhotoQuerySet, show: str) -> dict[str, object]:
    """Return what the part of the page shows that changes with its photos: the summary and the counts of the filters."""
    return _state(visit, cards_of(photos)) | {"is_update": True, "show": show}


def _state(visit: Visit, cards: list[PhotoCard]) -> dict[str, object]:
    """Return what the summary and the filters show."""
    counts = {name.replace("-", "_"): count for name, count in count_filters(cards).items()}
    return {
        "visit": visit,
        "patient": visit.patient,
        "total": len(cards),
        "limits": Limits(settings.PHOTO_MAX_BYTES, max(settings.PHOTOS_PER_VISIT - len(cards), 0)),
        "counts": counts,
        "read": sum(card.kind in (Kind.READ, Kind.CLOSE) for card in cards),
        "other_days": other_days(visit, (card.photo for card in cards)),
        "summary": summarise(visit),
    }
