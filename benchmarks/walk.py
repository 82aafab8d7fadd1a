"""Time of the whole installation on this computer: start, upload and reading of photos.

    python -m benchmarks.walk [PHOTOS]

Prints seconds, and ratios, which compare better between computers.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait


def seconds(since: float) -> float:
    """Return the seconds since `since`, a value of time.monotonic()."""
    return time.monotonic() - since


def main() -> None:
    """Measure and print."""
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder) / "var", PHOTOS_PER_VISIT=str(photos + 1))
        began = time.monotonic()
        installation.start()
        first_start = seconds(began)
        eventually(installation.has_its_demo, "the demo's photos are there")
        visit = installation.new_visit()
        installation.upload(visit, portrait(photos))
        eventually(lambda: installation.all_final(visit), "the model is loaded")

        began = time.monotonic()
        for number in range(photos):
            installation.upload(visit, portrait(number))
        uploaded = seconds(began)
        eventually(lambda: installation.all_final(visit), "every photo is read", 600)
        read = seconds(began)

        installation.stop()
        began = time.monotonic()
        installation.start()
        second_start = seconds(began)
        installation.stop()
    print(f"first start            {first_start:6.2f} s")
    print(f"start again            {second_start:6.2f} s, {second_start / first_start:.2f} of the first")
    print(f"upload of one photo    {uploaded / photos:6.3f} s")
    print(f"walk of one photo      {read / photos:6.3f} s, {read / uploaded:.2f} of its upload")


if __name__ == "__main__":
    main()
