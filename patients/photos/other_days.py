"""Photos that were taken on another day than the visit: perhaps they belong elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.functional import cached_property

from patients.models import Photo, Visit

NEAR = timedelta(days=1)  # clocks of cameras and sessions past midnight


@dataclass(frozen=True)
class OtherDays:
    """The photos whose camera names another day, as far as nobody has said that this is right."""

    photos: tuple[Photo, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.photos)

    @cached_property
    def days(self) -> list[date]:
        """The days that the cameras name, in order."""
        return sorted({day_taken(photo) for photo in self.photos})

    @property
    def query(self) -> str:
        """What picks these photos on the page that moves them."""
        return "&".join(f"photo={photo.pk}" for photo in self.photos)


def day_taken(photo: Photo) -> date:
    """Return the day that the camera wrote, in the clinic's zone. Only for a photo that has one."""
    assert photo.taken_at is not None
    return timezone.localdate(photo.taken_at, timezone.get_default_timezone())


def other_days(visit: Visit, photos: Iterable[Photo]) -> OtherDays:
    """Return the photos of the visit that were taken more than a day before or after it."""
    dated = [photo for photo in photos if photo.taken_at and not photo.date_kept_at and not photo.excluded_at]
    return OtherDays(tuple(photo for photo in dated if abs(day_taken(photo) - visit.date) > NEAR))
