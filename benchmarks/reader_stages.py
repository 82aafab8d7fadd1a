"""The cost of reading a stored photo as a worker does: milliseconds by stage, memory, time to the first answer, photos per second.

    python -m benchmarks.reader_stages [PHOTO]

Without a photo, scikit-image's portrait is drawn at 0.3, 2 and 12 megapixels, and a photo of 12 megapixels without a face. Keras
reads the largest alone. Each line comes from a process of its own, on one thread, so that memory and start are measured separately.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
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


def draw_photos(folder: Path) -> list[Path]:
    """Write the photos; return their files, the largest first."""
    from PIL import Image

    whole = folder / "12 megapixels.jpg"
    draw_photo(whole)
    with Image.open(whole) as photo:
        for name, size in (("2 megapixels", (1632, 1224)), ("0.3 megapixels", (640, 480))):
            photo.resize(size, Image.Resampling.LANCZOS).save(folder / f"{name}.jpg", quality=92)
        photo.crop((0, 0, 100, 100)).resize(photo.size).save(folder / "no face.jpg", quality=92)
    return [whole, *sorted(folder.glob("[!1]*.jpg"))]


def measure_engine(engine: str, path: Path) -> dict[str, object]:
    """Return the engine's measurements. Run it in a fresh process: loading the engine is part of the first answer."""
    from ml.decode.rebuild import rebuild

    stored = rebuild(path.read_bytes(), "JPEG")
    began = time.perf_counter()
    from ml.decode.made import open_made
    from ml.serve.half_size import read_photo
    from ml.serve.reader import FaceReader

    reader = FaceReader(engine="keras" if engine == "keras" else "onnx")
    opened = partial(open_made, stored.image)
    first = read_photo(reader, opened, stored.width)
    first_answer_s = time.perf_counter() - began
    stages: dict[str, list[float]] = {}
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS):
        for name, spent in read_photo(reader, opened, stored.width).milliseconds:
            stages.setdefault(name, []).append(spent)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - began
    return {
        "engine": engine,
        "photo": path.stem,
        "outcome": first.outcome.value,
        "median_ms": {name: round(sorted(spent)[len(spent) // 2], 1) for name, spent in stages.items()},
        "cpu_ms": round(1000 * cpu_s / ROUNDS),
        "first_answer_s": round(first_answer_s, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "photos_per_second": round(ROUNDS / wall_s, 2),
        "photos_per_cpu_second": round(ROUNDS / cpu_s, 2),
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
        photos = [options.photo] if options.photo else draw_photos(Path(folder))
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        for engine, photo in [*(("onnx", photo) for photo in photos), ("keras", photos[0])]:
            command = [sys.executable, "-m", "benchmarks.reader_stages", str(photo), "--engine", engine]
            subprocess.run(command, check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
