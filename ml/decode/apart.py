"""Rebuilds an untrusted photo in a separate process, so that a flaw in a decoder cannot harm this one.

The answer of that process is not trusted either, because a hostile picture may control it: the answer is bounded and checked.
"""

import json
import os
import selectors
import signal
import time
from datetime import datetime

from .children import Decoder
from .confinement import LAYERS
from .formats import UndecodablePhoto
from .made import check_made
from .rebuild import MAX_PIXELS, PREVIEW_SIDE_PX, RebuiltPhoto
from .request import CHECK, Request

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
    "not_confined": (),
}
"""The codes that the decoder may answer with, and the whole numbers that each must tell."""


def rebuild_apart(
    source: bytes,
    kind: str,
    max_pixels: int = MAX_PIXELS,
    timeout_seconds: float = TIMEOUT_SECONDS,
    required: frozenset[str] = frozenset(),
) -> RebuiltPhoto:
    """Return the photo, rebuilt from its pixels by `rebuild` in a separate process with limits.

    `kind` is what `check_outside` returned, `required` the layers without which the process reads nothing. Raises UndecodablePhoto
    with a code of the decoder, or with decoder_crashed when the process died, decoder_timeout when it took too long, busy when the
    system has no memory or process left.
    """
    answer = ask_decoder(source, Request(kind, max_pixels, required), timeout_seconds)
    try:
        result = _parse_answer(answer)
    except MALFORMED:
        raise UndecodablePhoto("decoder_crashed", status=0) from None
    if isinstance(result, UndecodablePhoto):
        raise result
    return result


def missing_layers() -> frozenset[str]:
    """Return the layers of confinement that a decoder of this process lacks, as one tells that opens nothing; all if none can."""
    try:
        told = json.loads(ask_decoder(b"", Request(CHECK), TIMEOUT_SECONDS))["missing"]
    except (UndecodablePhoto, *MALFORMED):
        return frozenset(LAYERS)
    return frozenset(LAYERS).intersection(told)


def ask_decoder(source: bytes, request: Request, timeout_seconds: float) -> bytes:
    """Return the decoder's answer, unchecked.

    Raises UndecodablePhoto when the decoder could not be started, died, took too long or answered too much.
    """
    give_up_at = time.monotonic() + timeout_seconds
    try:
        with Decoder(request) as decoder:
            answer = _exchange(decoder, source, give_up_at)
            if len(answer) <= MAX_ANSWER_BYTES:
                decoder.wait(max(0.001, give_up_at - time.monotonic()))
    except TimeoutError:
        raise UndecodablePhoto("decoder_timeout") from None
    except OSError:
        raise UndecodablePhoto("busy") from None
    if decoder.returncode == -signal.SIGXCPU:
        raise UndecodablePhoto("decoder_timeout")
    if decoder.returncode != 0:
        raise UndecodablePhoto("decoder_crashed", status=decoder.returncode)
    return answer


def _exchange(decoder: Decoder, source: bytes, give_up_at: float) -> bytes:
    """Send the file and return the answer, cut off beyond MAX_ANSWER_BYTES. Raises TimeoutError at `give_up_at`.

    Never blocks on a pipe, even after the decoder has ended: a child that outlives it could keep the pipes open for ever.
    """
    unsent, answer = memoryview(source), bytearray()
    with selectors.DefaultSelector() as pipes:
        for pipe, event in ((decoder.source, selectors.EVENT_WRITE), (decoder.answer, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            pipes.register(pipe, event)
        while len(answer) <= MAX_ANSWER_BYTES:
            ready = [key.fileobj for key, _events in pipes.select(max(0.0, give_up_at - time.monotonic()))]
            if not ready:
                raise TimeoutError
            if decoder.answer in ready:
                chunk = os.read(decoder.answer.fileno(), CHUNK_BYTES)
                if not chunk:
                    break
                answer += chunk
            if decoder.source in ready:
                try:
                    unsent = unsent[os.write(decoder.source.fileno(), unsent[:CHUNK_BYTES]) :]
                except BrokenPipeError:  # the decoder died early; its exit status says why
                    unsent = unsent[:0]
                if not unsent:
                    pipes.unregister(decoder.source)
                    decoder.source.close()
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
    width, height, image_bytes = int(facts["width"]), int(facts["height"]), int(facts["image_bytes"])
    image, preview = pictures[: max(0, image_bytes)], pictures[max(0, image_bytes) :]
    if (len(image), len(preview)) != (image_bytes, int(facts["preview_bytes"])) or check_made(image) != (width, height):
        raise ValueError("not the pictures that were announced")
    if any(small > large for small, large in zip(check_made(preview, PREVIEW_SIDE_PX), (width, height), strict=True)):
        raise ValueError("a preview larger than its picture")
    taken_at = datetime.fromisoformat(facts["taken_at"]) if facts["taken_at"] else None
    return RebuiltPhoto(width, height, taken_at, image, preview)
