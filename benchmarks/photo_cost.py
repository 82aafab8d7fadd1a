"""What one photo of 12 megapixels costs an installation: processor time, bytes on disk, memory. Prints one JSON object.

    python -m benchmarks.photo_cost [--photos 30] [--mixed]

Whole processes are counted, so that sealing, queue and database are part of it. Processor time hardly depends on what else runs.
Visits have twenty photos each. `worker_mb` and `worker_peak_mb` are the memory of the process that reads: at the end and at most.
With `--mixed` one photo of ten has three faces and one has none; otherwise each has one.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

import tests.environment  # a private folder and keys; must come before the settings are read
from benchmarks.reader_stages import draw_photo
from tests.engines.installation import Installation, eventually

GRAIN = 4.0
"""Standard deviation of noise that makes the portrait compress as a camera's picture does: 3 MB at 12 megapixels."""
WEB, WORKER = " gunicorn ", " --exclude-queues "
"""The commands of each part. The confined process that opens an upload is not among them: `benchmarks.decoder` measures it."""
IN_A_VISIT = 20


def processor_seconds(installation: Installation, part: str) -> float:
    """Return the processor time of the processes of one part, with that of children that have ended."""
    ticks = 0
    for pid, command in installation.processes().items():
        with contextlib.suppress(FileNotFoundError):  # it ended while we looked
            if part in command:
                ticks += sum(map(int, (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def stored_bytes(folder: Path) -> int:
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def grainy_photo(folder: Path) -> Image.Image:
    """Return a picture of 12 megapixels with one face and the grain of a camera."""
    draw_photo(folder / "photo.jpg")
    with Image.open(folder / "photo.jpg") as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(np.float32)
    grain = np.random.default_rng(1).normal(0, GRAIN, pixels.shape[:2])[..., None]
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def memory_mb(installation: Installation) -> tuple[int, int]:
    """Return the resident memory of the process that reads photos, in MB: now, and at most."""
    resident: dict[str, int] = {}
    for pid, command in installation.processes().items():
        if WORKER in command:
            lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
            found = {name: int(value.split()[0]) * 1024 for name, value in (line.split(":", 1) for line in lines if "Vm" in line)}
            resident = max(resident, found, key=lambda each: each.get("VmRSS", 0))  # the other one is Celery's own
    return round(resident["VmRSS"] / 1e6), round(resident["VmHWM"] / 1e6)


def pictures(photo: Image.Image, is_mixed: bool) -> list[Image.Image]:
    """Return ten pictures of one size, to be sent in turn."""
    if not is_mixed:
        return [photo] * 10
    width, height = photo.size
    third = photo.resize((width // 3, width // 4))
    three = Image.new(photo.mode, photo.size, "gray")
    for place in range(3):
        three.paste(third, (place * width // 3, height // 3))
    return [*[photo] * 8, three, photo.crop((0, 0, width // 8, height // 8)).resize(photo.size)]


def upload_all(installation: Installation, photo: Image.Image, photos: int, is_mixed: bool) -> tuple[Counter[str], int]:
    """Send cuts of the pictures that differ by a row; return the states that they end in, and the bytes that were sent."""
    sent, states, ten = 0, Counter[str](), pictures(photo, is_mixed)
    for first in range(0, photos, IN_A_VISIT):
        visit = installation.new_visit()
        for number in range(first, min(first + IN_A_VISIT, photos)):
            file = io.BytesIO()
            ten[number % 10].crop((0, number, photo.width, photo.height)).save(file, "JPEG", quality=92)
            sent += len(file.getvalue())
            installation.upload(visit, SimpleUploadedFile(f"{number}.jpg", file.getvalue(), "image/jpeg"))
        eventually(partial(installation.all_final, visit), "every photo is read", 600)
        states.update(installation.states(visit))
    return states, sent


def measure(folder: Path, photos: int, is_mixed: bool) -> dict[str, object]:
    """Return the costs."""
    photo, installation = grainy_photo(folder), Installation(folder / "var", PHOTOS_PER_USER_AND_DAY=str(photos + 2000))
    installation.start()
    try:
        eventually(installation.has_read_its_demo, "the demo's photos are read")
        files = installation.var / "photos"
        before = stored_bytes(files), processor_seconds(installation, WEB), processor_seconds(installation, WORKER)
        states, sent = upload_all(installation, photo, photos, is_mixed)
        after = stored_bytes(files), processor_seconds(installation, WEB), processor_seconds(installation, WORKER)
        stored, web, worker = (end - begin for end, begin in zip(after, before, strict=True))
        resident, most = memory_mb(installation)
        with installation.database() as connection:
            (face,) = connection.execute("SELECT avg(length(input_png)) FROM inference_prediction").fetchone()
        keys = [path for path in (installation.var / "patient_keys").rglob("*") if path.is_file()]
        return {
            "photos": photos,
            "states": dict(states),
            "web_cpu_ms": round(1000 * web / photos),
            "worker_cpu_ms": round(1000 * worker / photos),
            "worker_mb": resident,
            "worker_peak_mb": most,
            "sent_bytes": sent // photos,
            "stored_bytes": stored // photos,
            "face_bytes": round(face),
            "patient_key_bytes": stored_bytes(installation.var / "patient_keys") // len(keys),
        }
    finally:
        installation.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photo_cost", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--mixed", action="store_true", help="some with three faces, some without")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.photos, options.mixed)))


if __name__ == "__main__":
    try:
        main()
    finally:
        tests.environment.pytest_unconfigure()
