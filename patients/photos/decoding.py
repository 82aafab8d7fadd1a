"""Rebuilds an untrusted photo in a separate process, so that a flaw in a decoder cannot harm the web process.

The answer of that process is not trusted either, because a hostile picture may control it: the answer is bounded and checked.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from ml.decode.formats import UndecodablePhoto, check_outside
from ml.decode.rebuild import STORED_SIDE_PX, RebuiltPhoto
from patients.photos.codes import CODES, RejectedPhoto

MAX_HEADER_BYTES = 1000  # of JSON: a long header could hold millions of lists
CHUNK_BYTES = 1_000_000
MAX_ANSWER_BYTES = 60_000_000  # 4096 x 4096 pixels of pure noise take 35 MB
# What parsing a malformed answer may raise.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

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


def _start_decoder(kind: str) -> subprocess.Popen[bytes]:
    """Start the process that decodes one photo. Raises RejectedPhoto when the system has no memory or process left."""
    try:
        return subprocess.Popen(
            [sys.executable, "-s", "-B", "-m", "ml.decode", kind, str(settings.PHOTO_MAX_PIXELS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could write part of the picture to a log
            cwd=settings.BASE_DIR,
            env={"MALLOC_ARENA_MAX": "2"},  # nothing else, so that no secret reaches the decoder
            start_new_session=True,
        )
    except OSError:
        raise RejectedPhoto("busy") from None


def _kill(decoder: subprocess.Popen[bytes]) -> None:
    """Kill the decoder and any process it started: a child would keep the pipes open."""
    # Once the decoder has been reaped, its process id may belong to another process.
    if decoder.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(decoder.pid, signal.SIGKILL)


def _exchange(decoder: subprocess.Popen[bytes], source: bytes, give_up_at: float) -> bytes:
    """Send the file and return the answer, cut off beyond MAX_ANSWER_BYTES. Raises TimeoutError at `give_up_at`.

    Never blocks on a pipe, even after the decoder has ended: a child that outlives it could keep the pipes open for ever.
    """
    assert decoder.stdin is not None
    assert decoder.stdout is not None
    unsent, answer = memoryview(source), bytearray()
    with selectors.DefaultSelector() as pipes:
        for pipe, event in ((decoder.stdin, selectors.EVENT_WRITE), (decoder.stdout, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            pipes.register(pipe, event)
        while len(answer) <= MAX_ANSWER_BYTES:
            ready = [key.fileobj for key, _events in pipes.select(max(0.0, give_up_at - time.monotonic()))]
            if not ready:
                raise TimeoutError
            if decoder.stdout in ready:
                chunk = os.read(decoder.stdout.fileno(), CHUNK_BYTES)
                if not chunk:
                    break
                answer += chunk
            if decoder.stdin in ready:
                try:
                    unsent = unsent[os.write(decoder.stdin.fileno(), unsent[:CHUNK_BYTES]) :]
                except BrokenPipeError:  # the decoder died early; its exit status says why
                    unsent = unsent[:0]
                if not unsent:
                    pipes.unregister(decoder.stdin)
                    decoder.stdin.close()
    return bytes(answer)


def _ask_decoder(source: bytes, kind: str) -> bytes:
    """Return the decoder's answer, unchecked.

    Raises RejectedPhoto when the decoder could not be started, died, took too long or answered too much.
    """
    give_up_at = time.monotonic() + settings.DECODE_TIMEOUT_SECONDS
    with _start_decoder(kind) as decoder:  # always closes the pipes and waits for the process to end
        try:
            answer = _exchange(decoder, source, give_up_at)
            if len(answer) <= MAX_ANSWER_BYTES:
                decoder.wait(max(0.0, give_up_at - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise RejectedPhoto("decoder_timeout") from None
        finally:
            _kill(decoder)
    if decoder.returncode == -signal.SIGXCPU:
        raise RejectedPhoto("decoder_timeout")
    if decoder.returncode != 0:
        raise RejectedPhoto("decoder_crashed", status=decoder.returncode)
    return answer


def _parse_answer(answer: bytes) -> RebuiltPhoto | RejectedPhoto:
    """Return the photo or the refusal in an answer. Raises one of MALFORMED when ml.decode.rebuild would not answer so."""
    header, _, pictures = answer.partition(b"\n")
    if len(header) > MAX_HEADER_BYTES:
        raise ValueError("the header is too long")
    facts = json.loads(header)
    if "code" in facts:
        numbers = CODES[facts["code"]].decoder_numbers
        if numbers is None:
            raise ValueError("the decoder may not return this code")
        return RejectedPhoto(facts["code"], **{name: int(facts["detail"][name]) for name in numbers})
    width, height = int(facts["width"]), int(facts["height"])
    image, preview = pictures[: facts["image_bytes"]], pictures[facts["image_bytes"] :]
    is_plausible = 0 < width <= STORED_SIDE_PX and 0 < height <= STORED_SIDE_PX and len(preview) == facts["preview_bytes"]
    if not is_plausible or not (image.startswith(b"\xff\xd8\xff") and preview.startswith(b"\xff\xd8\xff")):
        raise ValueError("not two JPEGs")
    taken_at = datetime.fromisoformat(facts["taken_at"]) if facts["taken_at"] else None
    return RebuiltPhoto(width, height, taken_at, image, preview)


def announced_format(source: bytes) -> str:
    """Return the format that the first bytes announce. Decodes nothing. Raises RejectedPhoto with a code of `check_outside`."""
    try:
        return check_outside(source, settings.PHOTO_MAX_BYTES)
    except UndecodablePhoto as error:
        raise RejectedPhoto(error.code, **error.detail) from None


def rebuild_apart(source: bytes, kind: str) -> RebuiltPhoto:
    """Return the photo, rebuilt from its pixels by `ml.decode.rebuild` in a separate process with limits.

    Raises RejectedPhoto with a code of the decoder, or with decoder_crashed when the process died, decoder_timeout when it took
    too long, busy when no slot became free in time.
    """
    with _decoder_slot():
        answer = _ask_decoder(source, kind)
    try:
        result = _parse_answer(answer)
    except MALFORMED:
        raise RejectedPhoto("decoder_crashed", status=0) from None
    if isinstance(result, RejectedPhoto):
        raise result
    return result
