"""Opens uploads: each in a process of its own (ml.decode.apart), and only so many at once."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from django.conf import settings

from inference.health import layers
from ml.decode import apart
from ml.decode.children import end_parent
from ml.decode.formats import UndecodablePhoto, check_outside
from ml.decode.rebuild import RebuiltPhoto
from patients.photos.codes import RejectedPhoto

log = logging.getLogger(__name__)

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


def report_layers() -> None:
    """Log which layers around the decoder hold here, and whether uploads are opened without the others."""
    held = ", ".join(name for name, holds in layers().items() if holds)
    end_parent()  # a process that is forked from this one has its own
    missing = sorted(name for name, holds in layers().items() if not holds)
    if not missing:
        log.info("Decoders are confined by %s", held)
    elif settings.DECODER_LAYERS.intersection(missing):
        log.error("Decoders lack %s: no upload is opened (DECODER_MAY_LACK)", ", ".join(missing))
    else:
        log.warning("Decoders lack %s, which the settings accept", ", ".join(missing))


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
            return apart.rebuild_apart(
                source, kind, settings.PHOTO_MAX_PIXELS, settings.DECODE_TIMEOUT_SECONDS, settings.DECODER_LAYERS
            )
        except UndecodablePhoto as error:
            raise RejectedPhoto(error.code, **error.detail) from None
