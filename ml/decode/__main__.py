"""The confined process: `python -m ml.decode FORMAT MAX_PIXELS` rebuilds standard input and answers on standard output."""

import json
import os
import sys
from typing import Any

from .confinement import confine_process, limit_process
from .formats import UndecodablePhoto
from .rebuild import load_decoder, rebuild


def rebuild_input(kind: str, max_pixels: int) -> None:
    """Rebuild standard input and answer on standard output, after giving up all rights but those to read and to write there."""
    limit_process()
    load_decoder(kind)
    confine_process(may_start_threads=kind == "HEIF")
    with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as out:
        try:
            photo = rebuild(source.read(), kind, max_pixels)
        except UndecodablePhoto as error:
            answer: dict[str, Any] = {"code": error.code, "detail": error.detail}  # Any: JSON
            out.write(json.dumps(answer).encode() + b"\n")
            return
        header = {
            "width": photo.width,
            "height": photo.height,
            "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
            "image_bytes": len(photo.image),
            "preview_bytes": len(photo.preview),
        }
        out.write(json.dumps(header).encode() + b"\n" + photo.image + photo.preview)


def main(arguments: list[str]) -> None:
    """Rebuild standard input. Arguments: format, most pixels."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would keep memory for a thread on every core
    rebuild_input(arguments[0], int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
