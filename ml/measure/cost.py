"""What reading costs: milliseconds of one processor core, for a face and for a photo.

    python -m ml.measure.cost --weights ml/weights --data fer2013.zip

"Face" is the network on a face and its mirror image, as the worker runs it. "Photo" is a complete reading of a decoded picture:
detector, upright crop, quality checks, network. The medians hold only for the named processor, with no other work on it. They go
into report.json.
"""

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import FaceSet, load_split
from ml.intervals import Estimate, estimate
from ml.measure.command_line import parser_of
from ml.measure.photos import place_face
from ml.measure.report import add_to_report, tell_unreadable
from ml.serve.reader import FaceReader

LARGE = (4000, 3000)
"""A phone's photo."""
SEED = 2013


def processor() -> str:
    """Return the name of the processor, or of its architecture where the system does not give one."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def median_ms(work: Callable[[int], object], count: int) -> Estimate | None:
    """Return the estimate of the median milliseconds of `work`, called with 0 to `count` - 1 after a warm-up."""
    work(0)
    times = []
    for number in range(count):
        began = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - began))
    milliseconds = np.array(times)  # (count,)
    return estimate(lambda chosen: float(np.median(milliseconds[chosen])), count)


def measure_cost(weights: Path, faces: FaceSet, count: int) -> dict[str, Any]:  # Any: a JSON object
    """Return the median milliseconds of `count` faces, of as many photos of 640 x 480, and of a tenth as many large photos."""
    reader, rng = FaceReader(weights), np.random.default_rng(SEED)
    chosen = faces.pixels[rng.choice(len(faces), count)]  # (count, 48, 48)
    photos = [place_face(pixels, rng) for pixels in chosen]
    large = [photo.resize(LARGE) for photo in photos[: max(1, count // 10)]]
    return {
        "processor": processor(),
        "face": median_ms(lambda number: reader.probabilities_of(chosen[number]), count),
        "photo_640x480": median_ms(lambda number: reader.read(photos[number]), count),
        "photo_4000x3000": median_ms(lambda number: reader.read(large[number]), len(large)),
    }


@tell_unreadable()
def main() -> int:
    """Measure, and add the result to report.json as `cost`. Returns the exit status."""
    parser = parser_of("ml.measure.cost", __doc__)
    parser.add_argument("--count", type=int, default=200, help="how many faces (default 200)")
    options = parser.parse_args()
    # Only Linux has this call; the engines use one thread anyway.
    with contextlib.suppress(AttributeError):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cost = measure_cost(options.weights, load_split(options.data, "validation"), options.count)
    add_to_report(options.weights, "cost", cost)
    sys.stdout.write(json.dumps(cost, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
