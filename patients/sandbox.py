"""Rebuilds an untrusted photo in a process of its own, so that no decoder can harm the web process."""

import json
import subprocess
import sys
import threading
from datetime import datetime

from django.conf import settings

from ml.decode import RebuiltPhoto, RejectedPhoto

_places = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)


def rebuild_apart(source: bytes, kind: str) -> RebuiltPhoto:
    """Return the photo made anew from its pixels by `ml.decode` in a process with limits.

    Raises RejectedPhoto: its codes; decoder_crashed when the process died, decoder_timeout when it took too long, busy when no
    place became free in time.
    """
    if not _places.acquire(timeout=settings.DECODE_TIMEOUT_SECONDS):
        raise RejectedPhoto("busy")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ml.decode", kind, str(settings.PHOTO_MAX_PIXELS)],
            input=source,
            capture_output=True,
            cwd=settings.BASE_DIR,
            env={"PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"},  # no secret of ours reaches the decoder
            timeout=settings.DECODE_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RejectedPhoto("decoder_timeout") from None
    finally:
        _places.release()
    header, _, pictures = done.stdout.partition(b"\n")
    if done.returncode != 0 or not header:
        raise RejectedPhoto("decoder_crashed", status=done.returncode)
    answer = json.loads(header)
    if "code" in answer:
        raise RejectedPhoto(answer["code"], **answer["detail"])
    taken_at = datetime.fromisoformat(answer["taken_at"]) if answer["taken_at"] else None
    image, preview = pictures[: answer["image_bytes"]], pictures[answer["image_bytes"] :]
    return RebuiltPhoto(answer["width"], answer["height"], taken_at, image, preview)
