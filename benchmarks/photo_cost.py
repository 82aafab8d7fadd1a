"""What one photo of 12 megapixels costs an installation: processor time in web and worker, bytes on disk. Prints one JSON object.

    python -m benchmarks.photo_cost [PHOTOS]

Whole processes are counted, so that sealing, queue and database are part of it. Processor time hardly depends on what else runs.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
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


def upload_all(installation: Installation, photo: Image.Image, photos: int) -> tuple[str, int]:
    """Send cuts of the photo that differ by a row; return the visit and the bytes that were sent."""
    visit, sent = installation.new_visit(), 0
    for number in range(photos):
        file = io.BytesIO()
        photo.crop((0, number, photo.width, photo.height)).save(file, "JPEG", quality=92)
        sent += len(file.getvalue())
        installation.upload(visit, SimpleUploadedFile(f"{number}.jpg", file.getvalue(), "image/jpeg"))
    eventually(lambda: installation.all_final(visit), "every photo is read", 600)
    return visit, sent


def measure(folder: Path, photos: int) -> dict[str, object]:
    """Return the costs."""
    photo, installation = grainy_photo(folder), Installation(folder / "var", PHOTOS_PER_VISIT=str(photos))
    installation.start()
    try:
        eventually(installation.has_read_its_demo, "the demo's photos are read")
        files = installation.var / "photos"
        before = stored_bytes(files), processor_seconds(installation, WEB), processor_seconds(installation, WORKER)
        visit, sent = upload_all(installation, photo, photos)
        after = stored_bytes(files), processor_seconds(installation, WEB), processor_seconds(installation, WORKER)
        stored, web, worker = (end - begin for end, begin in zip(after, before, strict=True))
        with installation.database() as connection:
            (face,) = connection.execute("SELECT avg(length(input_png)) FROM inference_prediction").fetchone()
        keys = [path for path in (installation.var / "patient_keys").rglob("*") if path.is_file()]
        return {
            "photos": photos,
            "states": sorted(set(installation.states(visit))),
            "web_cpu_ms": round(1000 * web / photos),
            "worker_cpu_ms": round(1000 * worker / photos),
            "sent_bytes": sent // photos,
            "stored_bytes": stored // photos,
            "face_bytes": round(face),
            "patient_key_bytes": stored_bytes(installation.var / "patient_keys") // len(keys),
        }
    finally:
        installation.stop()


def main() -> None:
    """Measure and print."""
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), photos)))


if __name__ == "__main__":
    try:
        main()
    finally:
        tests.environment.pytest_unconfigure()
