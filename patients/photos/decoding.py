"""Opens uploads: each in a process of its own (ml.decode.apart), and only so many at once on one computer."""

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
from patients.photos.decoder_places import NoPlace, place

log = logging.getLogger(__name__)

_FOLDER = settings.VAR / "decoders"
# Uploads that are opened, or wait for that, each occupy a thread of the web server. The others stay free for pages.
_threads = threading.BoundedSemaphore(settings.UPLOADS_AT_ONCE)


@contextlib.contextmanager
def _decoder_place() -> Iterator[None]:
    """Hold one of the places for decoders. Raises RejectedPhoto with the code busy when none becomes free in time."""
    if not _threads.acquire(blocking=False):
        raise RejectedPhoto("busy")
    try:
        with place(_FOLDER, settings.DECODES_AT_ONCE, settings.DECODE_TIMEOUT_SECONDS):
            yield
    except NoPlace:
        raise RejectedPhoto("busy") from None
    finally:
        _threads.release()


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
    """Return the photo, rebuilt by ml.decode.apart. Raises RejectedPhoto with one of its codes, or busy without a place."""
    with _decoder_place():
        try:
            return apart.rebuild_apart(
                source, kind, settings.PHOTO_MAX_PIXELS, settings.DECODE_TIMEOUT_SECONDS, settings.DECODER_LAYERS
            )
        except UndecodablePhoto as error:
            raise RejectedPhoto(error.code, **error.detail) from None
