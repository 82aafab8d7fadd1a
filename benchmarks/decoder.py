"""Opening one photo in a process forked from a parent that has loaded the decoders, and in a new process: time and processor time.

    python -m benchmarks.decoder [PHOTOS]

Prints a JSON line for each size, with the ratio of the two in this run.
"""

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from PIL import Image

from ml.decode import children
from ml.decode.apart import rebuild_apart
from tests.cohort import clear_portraits

SIZES = (640, 480), (1920, 1080), (4000, 3000)


def photo(width: int, height: int) -> bytes:
    """Return a JPEG of this size with the texture of a photo."""
    file = io.BytesIO()
    with Image.open(clear_portraits()[0].path) as portrait:
        portrait.convert("RGB").resize((width, height)).save(file, "JPEG", quality=90)
    return file.getvalue()


def in_a_new_process(source: bytes) -> None:
    """Open a photo as `python -m ml.decode` does."""
    subprocess.run(
        [sys.executable, "-s", "-B", "-m", "ml.decode", "JPEG", "51000000"], input=source, stdout=subprocess.DEVNULL, check=True
    )


def cost(work: Callable[[bytes], object], source: bytes, photos: int) -> tuple[float, float]:
    """Return the milliseconds and the processor milliseconds of a photo. Starting the parent of the decoders counts."""
    children.end_parent()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for _ in range(photos):
        work(source)
    wall = time.perf_counter() - started
    children.end_parent()  # only then do its children count
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * wall / photos, 1000 * used / photos


def main() -> None:
    """Measure both ways at each size."""
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for width, height in SIZES:
        source = photo(width, height)
        new, forked = cost(in_a_new_process, source, photos), cost(lambda each: rebuild_apart(each, "JPEG"), source, photos)
        row = {"new_ms": new[0], "new_cpu_ms": new[1], "forked_ms": forked[0], "forked_cpu_ms": forked[1]}
        row |= {"ratio": new[0] / forked[0], "cpu_ratio": new[1] / forked[1]}
        print(json.dumps({"pixels": f"{width} x {height}"} | {name: round(value, 1) for name, value in row.items()}))


if __name__ == "__main__":
    main()
