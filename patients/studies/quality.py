"""How usable the photos of a study are: reasons, arms, photos per visit, and the models that read them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from inference.models import Prediction
from patients.models import Photo
from patients.readings.wording import FAULTS, REFUSALS
from patients.studies.group import Group
from patients.timeline.points import version_order

State = Prediction.State


@dataclass(frozen=True)
class PhotoFacts:
    """One photo of a study: whose, at which visit, and what became of it."""

    person: str
    arm: str
    visit_id: UUID
    is_excluded: bool
    state: str
    reason: str
    abstained: bool
    version: str

    @property
    def is_unusable(self) -> bool:
        """Whether it was analysed and gave no result."""
        return not self.is_excluded and self.state in (State.NO_FACE, State.REJECTED, State.FAILED)

    @property
    def is_used(self) -> bool:
        """Whether it counts."""
        return not self.is_excluded and self.state == State.DONE and not self.abstained


@dataclass(frozen=True)
class ReadBy:
    """What one model version read."""

    version: str
    photos: int
    visits: int
    people: int


@dataclass(frozen=True)
class Quality:
    """What the page says about the photos of the group."""

    photos: int
    unusable: int
    reasons: list[tuple[str, int]]  # the title of a reason and how many photos, the most frequent first
    by_arm: list[tuple[str, int, int]]  # arm, unusable photos, photos
    per_visit: tuple[float, int, int] | None  # median, fewest and most used photos of a visit with photos
    read_by: list[ReadBy]  # of the used photos; the newest version first
    too_close: int
    excluded: int

    @property
    def is_mixed(self) -> bool:
        """Whether more than one model version read the used photos."""
        return len(self.read_by) > 1

    @property
    def share(self) -> float:
        """Return the share of unusable photos."""
        return self.unusable / self.photos if self.photos else 0.0

    @property
    def most(self) -> int:
        """Return the number of photos of the most frequent reason."""
        return max((n for _reason, n in self.reasons), default=0)


def photo_facts(group: Group) -> list[PhotoFacts]:
    """Return the photos of the group's visits that have a prediction. Two queries."""
    where = {visit.visit_id: person for person in group.people for visit in person.visits}
    patients = group.study.participations.counted().values("patient")
    photos = Photo.objects.filter(visit__patient__in=patients).order_by("uploaded_at", "id")
    newest: dict[UUID, tuple[str, str, bool, str]] = {}
    read = Prediction.objects.filter(photo__visit__patient__in=patients).order_by("requested_at", "id")
    for photo_id, state, reason, abstained, version in read.values_list(
        "photo_id", "state", "reason", "abstained", "model_version"
    ):
        newest[photo_id] = (state, reason, abstained, version)
    found = []
    for pk, visit_id, excluded_at in photos.values_list("pk", "visit_id", "excluded_at"):
        if visit_id in where and pk in newest:
            person, is_excluded = where[visit_id], excluded_at is not None
            found.append(PhotoFacts(person.number, person.arm, visit_id, is_excluded, *newest[pk]))
    return found


def quality_of(group: Group) -> Quality:
    """Return what the page says about the photos."""
    photos = photo_facts(group)
    unusable = [photo for photo in photos if photo.is_unusable]
    used = [photo for photo in photos if photo.is_used]
    by_visit = Counter(photo.visit_id for photo in used)
    counts = [by_visit[visit_id] for visit_id in {photo.visit_id for photo in photos}]
    versions = sorted({photo.version for photo in used}, key=version_order, reverse=True)
    return Quality(
        photos=len(photos),
        unusable=len(unusable),
        reasons=Counter(_title(photo) for photo in unusable).most_common(),
        by_arm=[
            (arm, sum(each.arm == arm for each in unusable), sum(each.arm == arm for each in photos))
            for arm in group.arms
            if any(each.arm == arm for each in photos)
        ],
        per_visit=(median(counts), min(counts), max(counts)) if counts else None,
        read_by=[_read_by(version, [photo for photo in used if photo.version == version]) for version in versions],
        too_close=sum(not each.is_excluded and each.state == State.DONE and each.abstained for each in photos),
        excluded=sum(each.is_excluded for each in photos),
    )


def _read_by(version: str, photos: list[PhotoFacts]) -> ReadBy:
    return ReadBy(version, len(photos), len({each.visit_id for each in photos}), len({each.person for each in photos}))


def _title(photo: PhotoFacts) -> str:
    code = "no_face" if photo.state == State.NO_FACE else photo.reason
    known = REFUSALS | FAULTS
    return str((known.get(code) or known["reader_fault"]).title)
