"""The confined process: `python -m ml.decode FORMAT MAX_PIXELS` rebuilds standard input and answers on standard output."""

import json
import os
import sys
from typing import Any

from .confinement import LAYERS, confine_process, limit_process
from .formats import UndecodablePhoto
from .rebuild import load_decoder, rebuild
from .request import CHECK, Request

CHUNK_BYTES = 1_000_000


def rebuild_input(request: Request) -> None:
    """Rebuild standard input and answer on standard output, after giving up all rights but those to read and to write there.

    Reads nothing while a required layer is missing.
    """
    limit_process()
    load_decoder(request.kind)
    missing = LAYERS.keys() - confine_process(may_start_threads=request.kind == "HEIF")
    if request.kind == CHECK:
        _answer({"missing": sorted(missing)})
    else:
        _rebuild(request, is_confined=not missing & request.required)


def _rebuild(request: Request, is_confined: bool) -> None:
    try:
        if not is_confined:
            raise UndecodablePhoto("not_confined")
        photo = rebuild(_read_input(), request.kind, request.max_pixels)
    except UndecodablePhoto as error:
        _answer({"code": error.code, "detail": error.detail})
        return
    header = {
        "width": photo.width,
        "height": photo.height,
        "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
        "image_bytes": len(photo.image),
        "preview_bytes": len(photo.preview),
    }
    _answer(header, photo.image, photo.preview)


# Without file objects, which ask for the state of what they read: that call could ask about any file.
def _read_input() -> bytes:
    chunks = []
    while chunk := os.read(0, CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(header: dict[str, Any], *pictures: bytes) -> None:  # Any: JSON
    for part in (json.dumps(header).encode() + b"\n", *pictures):
        unsent = memoryview(part)
        while unsent:
            unsent = unsent[os.write(1, unsent) :]


def main(arguments: list[str]) -> None:
    """Rebuild standard input. Arguments: format, most pixels."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would keep memory for a thread on every core
    rebuild_input(Request(arguments[0], int(arguments[1])))


if __name__ == "__main__":
    main(sys.argv[1:])
