"""Changes several photos of a visit at once: in one transaction, with one entry of the access log for each photo."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from inference.models import Prediction
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Photo, User
from patients.models.formats import clock
from patients.models.photo import PhotoQuerySet
from patients.photos.reanalyse import reanalyse, why_not_reanalysed

Action = AccessLog.Action


@dataclass
class Changed:
    """What became of the selected photos: how many were changed, and which were left as they are, by reason."""

    photos: list[Photo] = field(default_factory=list)
    left: dict[str, list[str]] = field(default_factory=dict)
    gone: int = 0
    """How many are no longer in the visit: moved or erased by someone else."""


@dataclass(frozen=True)
class Change:
    """One thing that can be done to several photos."""

    action: Action
    apply: Callable[[Photo, User, str], str]
    """Changes one photo, given the person and the reason; returns why it was left as it is, else nothing."""


def name_of(photo: Photo) -> str:
    """Return what a message calls the photo: the name of its file, or when it was added."""
    return photo.original_name or _("photo added at %(time)s") % {"time": clock(photo.uploaded_at)}


def is_unusable(photo: Photo) -> bool:
    """Whether the photo was analysed, or should have been, and gave no result."""
    newest = photo.prediction
    return newest is not None and newest.is_final and newest.state not in (Prediction.State.DONE, Prediction.State.CHOOSE_FACE)


def change_photos(photos: PhotoQuerySet, ids: Iterable[UUID], change: Change, who: Actor, user: User, reason: str = "") -> Changed:
    """Carry out `change` on those of `photos` whose ids are given. What someone else did meanwhile is never overwritten."""
    changed, wanted = Changed(), set(ids)
    with transaction.atomic():
        # Locked in one order, so that two people who select the same photos wait for each other.
        found = list(photos.filter(pk__in=wanted).select_for_update(of=("self",), no_key=True).order_by("pk"))
        changed.gone = len(wanted) - len(found)
        for photo in sorted(found, key=lambda each: (each.uploaded_at, each.pk)):
            if why := change.apply(photo, user, reason):
                changed.left.setdefault(why, []).append(name_of(photo))
            else:
                changed.photos.append(photo)
        # After all rows: only one transaction at a time can append to the log.
        for photo in changed.photos:
            record_access(who, change.action, obj=photo)
    return changed


def _exclude(photo: Photo, user: User, reason: str) -> str:
    if photo.excluded_at:
        by = photo.excluded_by.display_name if photo.excluded_by else ""
        return _("already excluded by %(name)s") % {"name": by} if by else _("already excluded")
    photo.exclude(reason, by=user)
    return ""


def _include(photo: Photo, user: User, reason: str) -> str:
    if photo.excluded_at is None:
        return _("already counted")
    if photo.excluded_by_id != user.pk:
        return _("excluded by someone else meanwhile")
    photo.include()
    return ""


def _dismiss(photo: Photo, user: User, reason: str) -> str:
    if photo.dismissed_at:
        return _("already dismissed")
    if not is_unusable(photo):
        return _("not unusable")
    photo.dismiss()
    return ""


def _reanalyse(photo: Photo, user: User, reason: str) -> str:
    return "" if reanalyse(photo) else why_not_reanalysed(photo)[1].rstrip(".")


EXCLUDE = Change(Action.EXCLUDE, _exclude)
INCLUDE = Change(Action.INCLUDE, _include)
DISMISS = Change(Action.DISMISS, _dismiss)
REANALYSE = Change(Action.RETRY, _reanalyse)
