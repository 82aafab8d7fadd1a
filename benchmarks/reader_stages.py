"""The cost of reading a photo with each engine: milliseconds per stage, memory, time to the first answer, photos per second.

    python -m benchmarks.reader_stages [PHOTO]

Without a photo, scikit-image's portrait is enlarged to 12 megapixels. The engines run one after the other, each in its own process
and on one thread, so that memory and start are measured separately.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
ENGINES = ("onnx", "keras")


def draw_photo(path: Path) -> None:
    """Write a 12-megapixel JPEG with one face to `path`."""
    from PIL import Image
    from skimage.data import astronaut

    portrait = Image.fromarray(astronaut())
    photo = Image.new("RGB", (4000, 3000), "gray")
    photo.paste(portrait.resize((2400, 2400), Image.Resampling.LANCZOS), (800, 300))
    photo.save(path, "JPEG", quality=92)


def measure_engine(engine: str, path: Path) -> dict[str, object]:
    """Return the engine's measurements. Run it in a fresh process: loading the engine is part of the first answer."""
    began = time.perf_counter()
    from ml.decode.rebuild import open_photo
    from ml.serve.reader import FaceReader

    reader = FaceReader(engine="keras" if engine == "keras" else "onnx")
    source = path.read_bytes()
    first = reader.read(open_photo(source))
    first_answer_s = time.perf_counter() - began
    stages: dict[str, list[float]] = {}
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS):
        lap = time.perf_counter()
        photo = open_photo(source)
        stages.setdefault("decode", []).append(1000 * (time.perf_counter() - lap))
        for name, spent in reader.read(photo).milliseconds:
            stages.setdefault(name, []).append(spent)
    return {
        "engine": engine,
        "outcome": first.outcome.value,
        "median_ms": {name: round(sorted(spent)[len(spent) // 2], 1) for name, spent in stages.items()},
        "first_answer_s": round(first_answer_s, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "photos_per_second": round(ROUNDS / (time.perf_counter() - began), 2),
        "photos_per_cpu_second": round(ROUNDS / (time.process_time() - cpu), 2),
    }


def main() -> int:
    """Measure and print one JSON object per line for each engine. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reader_stages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", nargs="?", type=Path, help="a photo of your own")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        sys.stdout.write(json.dumps(measure_engine(options.engine, options.photo)) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        photo = options.photo or Path(folder) / "photo.jpg"
        if options.photo is None:
            draw_photo(photo)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        for engine in ENGINES:
            command = [sys.executable, "-m", "benchmarks.reader_stages", str(photo), "--engine", engine]
            subprocess.run(command, check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
