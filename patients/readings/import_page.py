"""What the pages of an import show: what was added to which visit, what failed, and whether it can be undone."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.care.banner import banner_of
from patients.models import Import, ImportFailure, User, Visit
from patients.photos.importing import photos_of, why_failed, why_not_undone
from patients.readings.photo_card import Kind, PhotoCard, card_of


@dataclass(frozen=True)
class ImportedVisit:
    """The photos that an import added to one visit."""

    visit: Visit
    is_new: bool
    cards: list[PhotoCard]

    @property
    def used(self) -> int:
        """How many count."""
        return sum(card.kind is Kind.READ for card in self.cards)

    @property
    def need_review(self) -> int:
        """How many need a person."""
        return sum(card.needs_you for card in self.cards)

    @property
    def processing(self) -> int:
        """How many are not analysed yet."""
        return sum(not card.is_final for card in self.cards)


@dataclass(frozen=True)
class Failed:
    """A file that could not be added, and why."""

    failure: ImportFailure
    why: str


def import_page(batch: Import, user: User) -> dict[str, object]:
    """Return what the page of an import shows."""
    cards: dict[Visit, list[PhotoCard]] = {}
    for photo in photos_of(batch).with_predictions().select_related("visit__patient").order_by("visit__date", "uploaded_at"):
        cards.setdefault(photo.visit, []).append(card_of(photo))
    visits = [ImportedVisit(visit, visit.imported_in_id == batch.pk, group) for visit, group in cards.items()]
    failed = [Failed(failure, why_failed(failure)) for failure in batch.failures.filter(acknowledged_at=None)]
    return banner_of(batch.patient) | {
        "import": batch,
        "visits": visits,
        "said": _said(sum(len(each.cards) for each in visits), len(visits)),
        "added": sum(len(each.cards) for each in visits),
        "used": sum(each.used for each in visits),
        "need_review": sum(each.need_review for each in visits),
        "processing": sum(each.processing for each in visits),
        "failed": failed,
        "not_undone": why_not_undone(batch, user),
    }


def _said(photos: int, visits: int) -> str:
    """Return how many photos were added to how many visits."""
    return _("%(photos)s added to %(visits)s.") % {
        "photos": ngettext("%(n)d photo", "%(n)d photos", photos) % {"n": photos},
        "visits": ngettext("%(n)d visit", "%(n)d visits", visits) % {"n": visits},
    }


def open_failures(user: User, patient_id: UUID) -> Counter[Import]:
    """Return the user's imports into this record that have failures no one has acknowledged, with how many each. One query."""
    failures = ImportFailure.objects.filter(
        imported_in__created_by=user, imported_in__patient=patient_id, acknowledged_at=None
    ).select_related("imported_in")
    return Counter(failure.imported_in for failure in failures)
