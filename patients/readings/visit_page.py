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
from patients.readings.unusable import Unusable
from patients.readings.visit_summary import VisitSummary, summarise


@dataclass(frozen=True)
class Limits:
    """What the drop zone says of its limits."""

    max_bytes: int
    room: int

    @property
    def text(self) -> str:
        """Return the limits as one sentence or two."""
        text = ngettext(
            "JPEG, PNG, WebP, HEIC or AVIF, up to %(megabytes)d MB and %(megapixels)d megapixels each. Room for 1 more.",
            "JPEG, PNG, WebP, HEIC or AVIF, up to %(megabytes)d MB and %(megapixels)d megapixels each. Room for %(room)d more.",
            self.room,
        )
        numbers = {"megabytes": self.max_bytes // 1_000_000, "megapixels": settings.PHOTO_MAX_PIXELS // 1_000_000}
        return text % (numbers | {"room": self.room})

    @property
    def too_large(self) -> str:
        """Return what is said of a larger file."""
        return RejectedPhoto("too_large").message()

    @property
    def wrong_kind(self) -> str:
        """Return what is said of a file that is no picture."""
        return RejectedPhoto("unsupported_format").message()

    @property
    def empty(self) -> str:
        """Return what is said of a file without a byte."""
        return RejectedPhoto("empty").message()


def visit_page(
    visit: Visit,
    photos: PhotoQuerySet,
    user: User,
    show: str,
    note_form: VisitNoteForm | None = None,
    report_form: SelfReportForm | None = None,
) -> dict[str, object]:
    """Return what the page shows, with the cards of those photos that pass the filter `show`, and forms with what was typed."""
    cards, summary = cards_of(photos), summarise(visit)
    days = [Visit(pk=each.visit_id, date=each.date, patient=visit.patient) for each in summary.visits]
    at = [each.pk for each in days].index(visit.pk)
    return (
        banner_of(visit.patient)
        | _state(visit, cards, show, summary)
        | {
            "visits": [each for each in reversed(days) if each.pk != visit.pk],
            "number": at + 1,
            "previous": days[at - 1] if at else None,
            "next": days[at + 1] if at + 1 < len(days) else None,
            "form": report_form or SelfReportForm(instance=report_of(visit)),
            "note_form": note_form or VisitNoteForm(instance=visit),
            "phone": phone_card(visit, user, (card.photo for card in cards)),
        }
    )


def visit_state(visit: Visit, photos: PhotoQuerySet, show: str) -> dict[str, object]:
    """Return what the part of the page shows that changes with its photos: the summary and the counts of the filters."""
    return _state(visit, cards_of(photos), show, summarise(visit)) | {"is_update": True}


def _state(visit: Visit, cards: list[PhotoCard], show: str, summary: VisitSummary) -> dict[str, object]:
    """Return the summary, the filters, and the cards that `show` lets pass, those of unusable photos apart."""
    shown = [card for card in cards if passes(card, show)]
    counts = {name.replace("-", "_"): count for name, count in count_filters(cards).items()}
    return {
        "visit": visit,
        "patient": visit.patient,
        "show": show,
        "cards": [card for card in shown if not card.is_unusable],
        "unusable": Unusable([card for card in shown if card.is_unusable]),
        "total": len(cards),
        "limits": Limits(settings.PHOTO_MAX_BYTES, max(settings.PHOTOS_PER_VISIT - len(cards), 0)),
        "counts": counts,
        "read": sum(card.kind in (Kind.READ, Kind.CLOSE) for card in cards),
        "other_days": other_days(visit, (card.photo for card in cards)),
        "summary": summary,
    }
