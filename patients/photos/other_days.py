"""Photos taken on another day than the visit, which may belong to another visit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.functional import cached_property

from patients.models import Photo, Visit

MAX_DEVIATION = timedelta(days=1)  # allows for a camera's clock, and for sessions past midnight


@dataclass(frozen=True)
class OtherDays:
    """The photos that were taken on another day, without those whose day a user has confirmed."""

    photos: tuple[Photo, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.photos)

    @cached_property
    def days(self) -> list[date]:
        """The days on which they were taken, oldest first."""
        return sorted({day_taken(photo) for photo in self.photos})

    @property
    def query(self) -> str:
        """The query string that selects these photos on the page that moves them."""
        return "&".join(f"photo={photo.pk}" for photo in self.photos)


def day_taken(photo: Photo) -> date:
    """Return the day on which the photo was taken, in the clinic's zone. `taken_at` must be set."""
    assert photo.taken_at is not None
    return timezone.localdate(photo.taken_at, timezone.get_default_timezone())


def other_days(visit: Visit, photos: Iterable[Photo]) -> OtherDays:
    """Return the photos that were taken more than a day before or after the visit."""
    dated = [photo for photo in photos if photo.taken_at and not photo.date_kept_at and not photo.excluded_at]
    return OtherDays(tuple(photo for photo in dated if abs(day_taken(photo) - visit.date) > MAX_DEVIATION))
