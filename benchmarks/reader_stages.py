"""The cost of reading a stored photo as a worker does: milliseconds by stage, memory, time to the first answer, photos per second.

    python -m benchmarks.reader_stages [PHOTO] [--photos 1000]

Without a photo, scikit-image's portrait is drawn at 0.3, 2 and 12 megapixels, and a photo of 12 megapixels without a face. Keras
reads the largest alone. Each line comes from a process of its own, on one thread, so that memory and start are measured separately.

The last line is of so many photos of 12 megapixels in three shapes, read by one process: of ten, eight with one face, one with
three, one without. `resident_mb` is what the process holds after them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROUNDS = 15
ENGINES = ("onnx", "keras")
SHAPES = ((4000, 3000), (3000, 4000), (4000, 2250))
FACES = (1, 1, 1, 1, 3, 1, 1, 1, 1, 0)
"""Faces in each of ten photos."""


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


def draw_mix(folder: Path) -> None:
    """Write a photo of each shape with each number of faces: portraits on grey, and a cup of coffee."""
    from PIL import Image
    from skimage.data import astronaut, coffee

    portrait, cup = Image.fromarray(astronaut()), Image.fromarray(coffee())
    for width, height in SHAPES:
        for faces in set(FACES):
            photo = Image.new("RGB", (width, height), "gray") if faces else cup.resize((width, height))
            for number in range(faces):
                side = min(height, width // faces)
                photo.paste(
                    portrait.resize((side, side), Image.Resampling.LANCZOS), (number * width // faces, (height - side) // 2)
                )
            photo.save(folder / f"{faces} {width}x{height}.jpg", quality=92)


def store(path: Path) -> None:
    """Replace the file by what an upload of it is stored as."""
    from ml.decode.rebuild import rebuild

    path.write_bytes(rebuild(path.read_bytes(), "JPEG").image)


def reading_of(engine: str) -> Callable[[bytes], Any]:
    """Return a function that reads a stored picture with this engine."""
    from ml.decode.made import check_made, open_made
    from ml.serve.half_size import read_photo
    from ml.serve.reader import FaceReader

    reader = FaceReader(engine="keras" if engine == "keras" else "onnx")
    return lambda stored: read_photo(reader, partial(open_made, stored), check_made(stored)[0])


def memory_mb(name: str) -> int:
    """Return what this process holds, by its name in Linux: VmRSS now, VmHWM at most until now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024)


def measure_engine(engine: str, path: Path) -> dict[str, object]:
    """Return the engine's measurements. Run it in a fresh process: loading the engine is part of the first answer."""
    stored = path.read_bytes()
    began = time.perf_counter()
    read = reading_of(engine)
    first = read(stored)
    first_answer_s = time.perf_counter() - began
    stages: dict[str, list[float]] = {}
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS):
        for name, spent in read(stored).milliseconds:
            stages.setdefault(name, []).append(spent)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - began
    return {
        "engine": engine,
        "photo": path.stem,
        "outcome": first.outcome.value,
        "median_ms": {name: round(sorted(spent)[len(spent) // 2], 1) for name, spent in stages.items()},
        "cpu_ms": round(1000 * cpu_s / ROUNDS),
        "first_answer_s": round(first_answer_s, 2),
        "peak_memory_mb": memory_mb("VmHWM"),
        "photos_per_second": round(ROUNDS / wall_s, 2),
        "photos_per_cpu_second": round(ROUNDS / cpu_s, 2),
    }


def measure_mix(folder: Path, photos: int) -> dict[str, object]:
    """Return what a process holds that has read so many photos of this folder. Run it in a fresh process."""
    read, outcomes = reading_of("onnx"), Counter[str]()
    cpu = time.process_time()
    for number in range(photos):
        (width, height), faces = SHAPES[number % len(SHAPES)], FACES[number % len(FACES)]
        outcomes[read((folder / f"{faces} {width}x{height}.jpg").read_bytes()).outcome.value] += 1
    cpu_s = time.process_time() - cpu
    return {
        "engine": "onnx",
        "photo": "a mix",
        "photos": photos,
        "outcomes": dict(outcomes),
        "cpu_ms": round(1000 * cpu_s / photos),
        "resident_mb": memory_mb("VmRSS"),
        "peak_memory_mb": memory_mb("VmHWM"),
    }


def main() -> int:
    """Measure and print one JSON object per line for each engine. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reader_stages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", nargs="?", type=Path, help="a photo of your own")
    parser.add_argument("--photos", type=int, default=100, help="how many photos the last line is of (default 100)")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        is_mix = options.photo.is_dir()
        line = measure_mix(options.photo, options.photos) if is_mix else measure_engine(options.engine, options.photo)
        sys.stdout.write(json.dumps(line) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder, mix = Path(name), Path(name) / "mix"
        mix.mkdir()
        draw_mix(mix)
        photos = [Path(shutil.copy(options.photo, folder))] if options.photo else draw_photos(folder)
        for path in (*photos, *mix.iterdir()):
            store(path)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        for engine, photo in [*(("onnx", photo) for photo in photos), ("keras", photos[0]), ("onnx", mix)]:
            command = [
                sys.executable,
                "-m",
                "benchmarks.reader_stages",
                str(photo),
                "--engine",
                engine,
                "--photos",
                str(options.photos),
            ]
            subprocess.run(command, check=True, env=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
