"""Rebuilds an untrusted photo in a process of its own, so that no decoder can harm the web process.

Nothing that this process says is believed: a hostile picture may speak for it. Its answer is bounded and checked.
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

from ml.decode.rebuild import STORED_SIDE_PX, RebuiltPhoto, UndecodablePhoto, check_outside
from patients.photos.codes import CODES, RejectedPhoto

MAX_HEADER_BYTES = 1000  # of JSON: a long one could hold millions of lists
PIECE_BYTES = 1_000_000
MAX_ANSWER_BYTES = 60_000_000  # 4096 x 4096 pixels of pure noise make 35 MB
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

_places = threading.BoundedSemaphore(settings.DECODES_AT_ONCE)
# Who waits for a place holds a thread of the web server. One may; the other threads go on answering.
_queue = threading.BoundedSemaphore(settings.DECODES_AT_ONCE + 1)


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """Hold one of the places for decoders. Raises RejectedPhoto busy when none becomes free in time."""
    if not _queue.acquire(blocking=False):
        raise RejectedPhoto("busy")
    try:
        if not _places.acquire(timeout=settings.DECODE_TIMEOUT_SECONDS):
            raise RejectedPhoto("busy")
        try:
            yield
        finally:
            _places.release()
    finally:
        _queue.release()


def _start_decoder(kind: str) -> subprocess.Popen[bytes]:
    """Return the process that opens one photo. Raises RejectedPhoto when this computer has no room for it."""
    try:
        return subprocess.Popen(
            [sys.executable, "-s", "-B", "-m", "ml.decode", kind, str(settings.PHOTO_MAX_PIXELS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could carry a piece of the picture into a log
            cwd=settings.BASE_DIR,
            env={"MALLOC_ARENA_MAX": "2"},  # no secret of ours reaches the decoder
            start_new_session=True,
        )
    except OSError:  # this computer has no memory or no process left
        raise RejectedPhoto("busy") from None


def _kill(decoder: subprocess.Popen[bytes]) -> None:
    """Kill the decoder and what it may have started: a child would hold its end of the pipes."""
    if decoder.returncode is None:  # else the number may be somebody else's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(decoder.pid, signal.SIGKILL)


def _exchange(decoder: subprocess.Popen[bytes], source: bytes, give_up_at: float) -> bytes:
    """Write the file and return the answer, cut off beyond MAX_ANSWER_BYTES. Raises TimeoutError at `give_up_at`.

    Not even the end of the process must be waited for: a child that outlives it could hold the pipes for ever.
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
                piece = os.read(decoder.stdout.fileno(), PIECE_BYTES)
                if not piece:
                    break
                answer += piece
            if decoder.stdin in ready:
                try:
                    unsent = unsent[os.write(decoder.stdin.fileno(), unsent[:PIECE_BYTES]) :]
                except BrokenPipeError:  # it died early; its status says how
                    unsent = unsent[:0]
                if not unsent:
                    pipes.unregister(decoder.stdin)
                    decoder.stdin.close()
    return bytes(answer)


def _ask_decoder(source: bytes, kind: str) -> bytes:
    """Return what the decoder wrote. Raises RejectedPhoto when it died, took too long, said too much, or could not be started."""
    give_up_at = time.monotonic() + settings.DECODE_TIMEOUT_SECONDS
    with _start_decoder(kind) as decoder:  # closes the pipes and waits for the end, whatever happens
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


def _understood(answer: bytes) -> RebuiltPhoto | RejectedPhoto:
    """Return what an answer says. Raises one of NONSENSE for an answer that ml.decode.rebuild would not give."""
    header, _, pictures = answer.partition(b"\n")
    if len(header) > MAX_HEADER_BYTES:
        raise ValueError("a header that long is none")
    said = json.loads(header)
    if "code" in said:
        numbers = CODES[said["code"]].decoder_numbers
        if numbers is None:
            raise ValueError("no code of a decoder")
        return RejectedPhoto(said["code"], **{name: int(said["detail"][name]) for name in numbers})
    width, height = int(said["width"]), int(said["height"])
    image, preview = pictures[: said["image_bytes"]], pictures[said["image_bytes"] :]
    is_plausible = 0 < width <= STORED_SIDE_PX and 0 < height <= STORED_SIDE_PX and len(preview) == said["preview_bytes"]
    if not is_plausible or not (image.startswith(b"\xff\xd8\xff") and preview.startswith(b"\xff\xd8\xff")):
        raise ValueError("not two pictures")
    taken_at = datetime.fromisoformat(said["taken_at"]).replace(tzinfo=None) if said["taken_at"] else None
    return RebuiltPhoto(width, height, taken_at, image, preview)


def announced_format(source: bytes, file_name: str) -> str:
    """Return the format that the first bytes announce. Decodes nothing. Raises RejectedPhoto with a code of `check_outside`."""
    try:
        return check_outside(source, file_name, settings.PHOTO_MAX_BYTES)
    except UndecodablePhoto as error:
        raise RejectedPhoto(error.code, **error.detail) from None


def rebuild_apart(source: bytes, kind: str) -> RebuiltPhoto:
    """Return the photo made anew from its pixels by `ml.decode.rebuild` in a process with limits.

    Raises RejectedPhoto: its codes; decoder_crashed when the process died, decoder_timeout when it took too long, busy when no
    place became free in time.
    """
    with _place():
        answer = _ask_decoder(source, kind)
    try:
        said = _understood(answer)
    except NONSENSE:
        raise RejectedPhoto("decoder_crashed", status=0) from None
    if isinstance(said, RejectedPhoto):
        raise said
    return said
