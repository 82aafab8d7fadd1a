"""Opens uploads: each in a process of its own (ml.decode.apart), and only so many at once."""

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings

from ml.decode import apart
from ml.decode.formats import UndecodablePhoto, check_outside
from ml.decode.rebuild import RebuiltPhoto
from patients.photos.codes import RejectedPhoto

_slots = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)
# A request that waits for a slot occupies a thread of the web server. Only one may wait, so that other pages stay responsive.
_queue = threading.BoundedSemaphore(settings.DECODES_AT_ONCE + 1)


@contextlib.contextmanager
def _decoder_slot() -> Iterator[None]:
    """Hold one of the slots for decoders. Raises RejectedPhoto with the code busy when none becomes free in time."""
    if not _queue.acquire(blocking=False):
        raise RejectedPhoto("busy")
    try:
        if not _slots.acquire(timeout=settings.DECODE_TIMEOUT_SECONDS):
            raise RejectedPhoto("busy")
        try:
            yield
        finally:
            _slots.release()
    finally:
        _queue.release()


def announced_format(source: bytes) -> str:
    """Return the format that the first bytes announce. Decodes nothing. Raises RejectedPhoto with a code of `check_outside`."""
    try:
        return check_outside(source, settings.PHOTO_MAX_BYTES)
    except UndecodablePhoto as error:
        raise RejectedPhoto(error.code, **error.detail) from None


def rebuild_apart(source: bytes, kind: str) -> RebuiltPhoto:
    """Return the photo, rebuilt by ml.decode.apart. Raises RejectedPhoto with one of its codes, or busy if no slot becomes free."""
    with _decoder_slot():
        try:
            return apart.rebuild_apart(source, kind, settings.PHOTO_MAX_PIXELS, settings.DECODE_TIMEOUT_SECONDS)
        except UndecodablePhoto as error:
            raise RejectedPhoto(error.code, **error.detail) from None
