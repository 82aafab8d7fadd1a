"""What could not be opened: said in the log, and kept for the health page for a week."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone

from encryption.seal import Place, SealBroken

log = logging.getLogger(__name__)

NAME = "seals-that-did-not-open"
KEPT_SECONDS = 7 * 24 * 3600
MOST = 20


@dataclass(frozen=True)
class Broken:
    """One value that did not open."""

    code: str
    place: str
    at: datetime


_about_to_be_erased: ContextVar[bool] = ContextVar("about_to_be_erased", default=False)


@contextmanager
def about_to_be_erased() -> Iterator[None]:
    """Note nothing of the block: where an erasure is carried out again after a restore, its keys are gone already."""
    token = _about_to_be_erased.set(True)
    try:
        yield
    finally:
        _about_to_be_erased.reset(token)


@contextmanager
def watched(place: Place) -> Iterator[None]:
    """Note a SealBroken of the block, and let it go on."""
    try:
        yield
    except SealBroken as error:
        if not _about_to_be_erased.get():
            note(error.code, place)
        raise SealBroken(error.code, place) from None


def note(code: str, place: Place) -> None:
    """Log that the value at `place` did not open, and keep it for the health page."""
    log.error("A sealed value does not open where it stands (%s): %s", code, place.label)
    try:
        kept = [each for each in broken() if each.place != place.label]
        cache.set(NAME, [*kept, Broken(code, place.label, timezone.now())][-MOST:], KEPT_SECONDS)
    except DatabaseError:  # the log has it
        log.warning("It could not be kept for the health page")


def broken() -> list[Broken]:
    """Return what did not open within a week, the newest last."""
    kept: list[Broken] = cache.get(NAME, [])
    return kept


def clear() -> None:
    """Forget what did not open: everything was checked and opens."""
    cache.delete(NAME)
