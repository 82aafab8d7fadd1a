"""How long photos wait for a worker in a clinic of a given size: a simulation of arrivals, as JSON lines.

    python -m benchmarks.arrivals [--service-ms MS] [--days 5]

Each clinician holds sessions at the hours of SESSIONS, and sends the photos of a session one after the other at its end. Workers
read in the order of arrival, each photo in the same time: without `--service-ms`, what `benchmarks.reader_stages` measures here for
one of twelve megapixels, on one core. A waiting time ends when a worker begins to read.
"""

import argparse
import heapq
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLINICIANS = (5, 50, 500)
SESSIONS = (9, 10, 11, 12, 14, 15, 16, 17)
"""Hours at which the sessions of a day end, all over the clinic."""
SPREAD_MINUTES = 5.0
"""Standard deviation of the end of a session around its hour."""
PHOTOS_A_SESSION = 10
UPLOAD_SECONDS = 1.0
"""Between the photos of one session."""
MOST_WORKERS = 64
SHORT_SECONDS = 1.0
"""A waiting time that needs no further worker."""
DAY_SECONDS = 86_400.0
Seconds = NDArray[np.float64]


def waits(arrivals: Seconds, services: Seconds, workers: int) -> Seconds:
    """Return how long each job waits, in seconds. `arrivals` are in order; the worker that is free first takes the next job."""
    free = [0.0] * workers
    waited = np.empty(len(arrivals))
    for n, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        begins = max(arrival, free[0])
        heapq.heapreplace(free, begins + service)
        waited[n] = begins - arrival
    return waited


def arrivals_of(clinicians: int, days: int, seed: int = 2026) -> Seconds:
    """Return when each photo of `days` days arrives, in seconds, in order."""
    random = np.random.default_rng(seed)
    ends = 3600.0 * np.array(SESSIONS) + DAY_SECONDS * np.arange(days)[:, None]  # (days, sessions)
    ends = ends[..., None] + random.normal(0.0, 60 * SPREAD_MINUTES, (*ends.shape, clinicians))  # (days, sessions, clinicians)
    photos = ends[..., None] + UPLOAD_SECONDS * np.arange(PHOTOS_A_SESSION)  # (days, sessions, clinicians, photos)
    return np.sort(photos.ravel())


def simulate(clinicians: int, days: int, service_ms: float) -> Iterable[dict[str, float]]:
    """Yield waiting times by the number of workers, doubled until photos wait for less than SHORT_SECONDS."""
    arrivals = arrivals_of(clinicians, days)
    services = np.full(len(arrivals), service_ms / 1000)
    workers, longest = 1, SHORT_SECONDS
    while workers <= MOST_WORKERS and longest >= SHORT_SECONDS:
        waited = waits(arrivals, services, workers)
        middle, longest = (float(np.quantile(waited, share)) for share in (0.5, 0.95))
        yield {
            "clinicians": clinicians,
            "photos_a_day": len(arrivals) // days,
            "workers": workers,
            "busy_in_busiest_hour": round(busiest(arrivals) * service_ms / 1000 / 3600 / workers, 3),
            "wait_p50_s": round(middle, 2),
            "wait_p95_s": round(longest, 2),
            "wait_most_s": round(float(waited.max()), 2),
        }
        workers *= 2


def busiest(arrivals: Seconds) -> int:
    """Return the number of photos in the hour that has most, from half past to half past."""
    return int(np.bincount(((arrivals + 1800) // 3600).astype(int)).max())


def measured_service_ms() -> float:
    """Return the processor time of reading one photo, in milliseconds: what it takes on a core that does nothing else."""
    from benchmarks.reader_stages import draw_photo, store

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        draw_photo(photo)
        store(photo)
        command = (sys.executable, "-m", "benchmarks.reader_stages", str(photo), "--engine", "onnx")
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}).stdout
    return 1000 / float(json.loads(told)["photos_per_cpu_second"])


def main() -> None:
    """Print one line for each size of the clinic and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service-ms", type=float, help="time that a worker takes for one photo")
    parser.add_argument("--days", type=int, default=5)
    asked = parser.parse_args()
    service_ms = asked.service_ms or measured_service_ms()
    print(json.dumps({"service_ms": round(service_ms, 1), "days": asked.days, "photos_a_session": PHOTOS_A_SESSION}))
    for clinicians in CLINICIANS:
        for line in simulate(clinicians, asked.days, service_ms):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
