"""Rebuilds an untrusted photo in a separate process, so that a flaw in a decoder cannot harm this one.

The answer of that process is not trusted either, because a hostile picture may control it: the answer is bounded and checked.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from .formats import UndecodablePhoto
from .rebuild import MAX_PIXELS, STORED_SIDE_PX, RebuiltPhoto

TIMEOUT_SECONDS = 20.0
MAX_HEADER_BYTES = 1000  # of JSON: a long header could hold millions of lists
CHUNK_BYTES = 1_000_000
MAX_ANSWER_BYTES = 60_000_000  # 4096 x 4096 pixels of pure noise take 35 MB
# What parsing a malformed answer may raise.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

NUMBERS: dict[str, tuple[str, ...]] = {
    "too_many_scans": (),
    "too_many_pixels": ("width", "height", "most"),
    "side_too_long": ("width", "height", "most"),
    "animated": (),
    "unreadable": (),
    "decoder_crashed": (),
}
"""The codes that the decoder may answer with, and the whole numbers that each must tell."""

# The folder that holds this package: the root of a checkout, or site-packages.
_FOLDER = Path(__file__).resolve().parents[2]


def rebuild_apart(source: bytes, kind: str, max_pixels: int = MAX_PIXELS, timeout_seconds: float = TIMEOUT_SECONDS) -> RebuiltPhoto:
    """Return the photo, rebuilt from its pixels by `rebuild` in a separate process with limits.

    `kind` is what `check_outside` returned. Raises UndecodablePhoto with a code of the decoder, or with decoder_crashed when the
    process died, decoder_timeout when it took too long, busy when the system has no memory or process left.
    """
    answer = ask_decoder(source, kind, max_pixels, timeout_seconds)
    try:
        result = _parse_answer(answer)
    except MALFORMED:
        raise UndecodablePhoto("decoder_crashed", status=0) from None
    if isinstance(result, UndecodablePhoto):
        raise result
    return result


def ask_decoder(source: bytes, kind: str, max_pixels: int, timeout_seconds: float) -> bytes:
    """Return the decoder's answer, unchecked.

    Raises UndecodablePhoto when the decoder could not be started, died, took too long or answered too much.
    """
    give_up_at = time.monotonic() + timeout_seconds
    with _start_decoder(kind, max_pixels) as decoder:  # always closes the pipes and waits for the process to end
        try:
            answer = _exchange(decoder, source, give_up_at)
            if len(answer) <= MAX_ANSWER_BYTES:
                decoder.wait(max(0.0, give_up_at - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise UndecodablePhoto("decoder_timeout") from None
        finally:
            _kill(decoder)
    if decoder.returncode == -signal.SIGXCPU:
        raise UndecodablePhoto("decoder_timeout")
    if decoder.returncode != 0:
        raise UndecodablePhoto("decoder_crashed", status=decoder.returncode)
    return answer


def _start_decoder(kind: str, max_pixels: int) -> subprocess.Popen[bytes]:
    """Start the process that decodes one photo. Raises UndecodablePhoto when the system has no memory or process left."""
    try:
        return subprocess.Popen(
            [sys.executable, "-s", "-B", "-m", str(__package__), kind, str(max_pixels)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could write part of the picture to a log
            cwd=_FOLDER,
            env={"MALLOC_ARENA_MAX": "2"} | _where_libraries_are(),  # nothing else, so that no secret reaches the decoder
            start_new_session=True,
        )
    except OSError:
        raise UndecodablePhoto("busy") from None


def _where_libraries_are() -> dict[str, str]:
    """Return the variable without which Python itself does not start on computers where it is loaded as a module of a cluster."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


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


def _parse_answer(answer: bytes) -> RebuiltPhoto | UndecodablePhoto:
    """Return the photo or the refusal in an answer. Raises one of MALFORMED when `rebuild` would not answer so."""
    header, _, pictures = answer.partition(b"\n")
    if len(header) > MAX_HEADER_BYTES:
        raise ValueError("the header is too long")
    facts = json.loads(header)
    if "code" in facts:
        numbers = NUMBERS[facts["code"]]
        return UndecodablePhoto(facts["code"], **{name: int(facts["detail"][name]) for name in numbers})
    width, height = int(facts["width"]), int(facts["height"])
    image, preview = pictures[: facts["image_bytes"]], pictures[facts["image_bytes"] :]
    is_plausible = 0 < width <= STORED_SIDE_PX and 0 < height <= STORED_SIDE_PX and len(preview) == facts["preview_bytes"]
    if not is_plausible or not (image.startswith(b"\xff\xd8\xff") and preview.startswith(b"\xff\xd8\xff")):
        raise ValueError("not two JPEGs")
    taken_at = datetime.fromisoformat(facts["taken_at"]) if facts["taken_at"] else None
    return RebuiltPhoto(width, height, taken_at, image, preview)
