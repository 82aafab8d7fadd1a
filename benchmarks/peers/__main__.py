"""Other readers of expressions beside ours: accuracy, faces found, processor time, memory and first answer, in one run.

    python -m benchmarks.peers --data fer2013.zip --votes fer2013_ferplus.csv --photos FOLDER [--faces 1200] [--write docs/peers.md]

The first run installs the others under .peers/ (about 8 GB, by pip and npm). Each contestant is a process of its own that gets the
same files. Processor time of one photo is that of a run with ten less that of a run with two, so that the start does not count.
Prints one JSON object per contestant; --write writes the document.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peers.document import document_of
from benchmarks.peers.task import Answer
from benchmarks.reader_stages import draw_photo
from ml.data import FaceSet, join_votes, load_split, rater_majority, read_votes
from ml.serve.expressions import EXPRESSIONS, FaceBox

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".peers"
SIZES_PX = {"0.3": (640, 480), "2": (1632, 1224), "12": (4000, 3000)}
FEW, MANY = 2, 10
SAME_FACE = 0.3
"""Least intersection over union of a box found and a box marked: the boxes of the detectors are framed differently."""


@dataclass(frozen=True)
class Contestant:
    """A reader: its command without task and answer, the folder it runs in, and options of its own."""

    name: str
    command: tuple[str, ...]
    folder: Path
    options: dict[str, Any]  # Any: JSON


OURS = Contestant("Affectline", (sys.executable, "-m", "benchmarks.peers.ours"), HERE.parents[1], {})
FER = (str(INSTALLED / "venv" / "bin" / "python"), "-W", "ignore", str(HERE / "fer_package.py"))
CONTESTANTS = (
    OURS,
    Contestant("fer, Haar cascade", FER, INSTALLED, {"mtcnn": False}),
    Contestant("fer, MTCNN", FER, INSTALLED, {"mtcnn": True}),
    Contestant("face-api, SSD MobileNet", ("node", "face_api.mjs"), INSTALLED / "node", {}),
)


@dataclass(frozen=True)
class Run:
    """What a contestant answered, and what it cost the process."""

    answer: Answer
    cpu_s: float
    wall_s: float
    peak_mb: float


def install() -> None:
    """Install the others beside us, once."""
    node = INSTALLED / "node"
    node.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "face_api.mjs", node)  # Node looks for packages beside the script
    if not (INSTALLED / "done").exists():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, node)
        subprocess.run((sys.executable, "-m", "venv", str(INSTALLED / "venv")), check=True)
        pip = (str(INSTALLED / "venv" / "bin" / "pip"), "install", "--quiet", "--requirement", str(HERE / "requirements.txt"))
        subprocess.run(pip, check=True)
        subprocess.run(("npm", "ci", "--no-audit", "--no-fund"), cwd=node, check=True)
        (INSTALLED / "done").touch()


def run(contestant: Contestant, kind: str, files: Sequence[Path]) -> Run:
    """Return what the contestant answers, in a fresh process on one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    with tempfile.TemporaryDirectory() as folder:
        given, given_back = Path(folder) / "task.json", Path(folder) / "answer.json"
        task = {"kind": kind, "files": [str(file) for file in files], "options": contestant.options}
        given.write_text(json.dumps(task))
        command = (*contestant.command, str(given), str(given_back))
        began = time.perf_counter()
        said = Path(folder) / "said.txt"
        with said.open("w") as file:
            process = subprocess.Popen(command, cwd=contestant.folder, env=os.environ | one, stdout=file, stderr=file)
            _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{contestant.name} ended with status {process.returncode}:\n{said.read_text()[-2000:]}")
        answer: Answer = json.loads(given_back.read_text())
    return Run(answer, used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024)


def sample(data: Path, votes: Path, count: int) -> FaceSet:
    """Return `count` validation faces with votes, evenly spread."""
    faces = join_votes(load_split(data, "validation"), read_votes(votes))
    kept = np.zeros(len(faces), dtype=bool)
    kept[np.unique(np.linspace(0, len(faces) - 1, count).astype(int))] = True
    return faces.where(kept)


def shares_right(answer: Answer, faces: FaceSet) -> dict[str, float]:
    """Return which share of the names is right: by the raters' majority, where it is one of the seven, and by FER2013's labels."""

    def indices(names: list[str]) -> NDArray[np.int64]:
        return np.array([EXPRESSIONS.index(name) for name in names])

    assert faces.votes is not None
    majority, _ = rater_majority(faces.votes)
    named = indices(answer["labels"])
    labels = indices(answer.get("second_labels", answer["labels"]))
    counted = majority >= 0
    return {
        "majority_percent": round(100 * float((named == majority)[counted].mean()), 1),
        "labels_percent": round(100 * float((labels == faces.labels).mean()), 1),
    }


def marked_boxes(folder: Path) -> dict[str, list[tuple[FaceBox, bool]]]:
    """Return the marked faces of each photo, and whether each may be missed."""
    marked: dict[str, list[tuple[FaceBox, bool]]] = {file.name: [] for file in sorted(folder.glob("*.jpg"))}
    with (folder / "boxes.csv").open() as lines:
        for row in csv.DictReader(lines):
            edges = (float(row[f"{name}_px"]) for name in ("left", "top", "width", "height"))
            marked[row["file"]].append((FaceBox(*edges), row["ignore"] == "1"))
    return marked


def faces_found(answer: Answer, marked: Sequence[list[tuple[FaceBox, bool]]]) -> dict[str, int]:
    """Return how many marked faces were found, of how many, and how many boxes hold no marked face."""
    found = wanted = false = 0
    for each, faces in zip(answer["boxes"], marked, strict=True):
        boxes = [FaceBox(*edges) for edges in each]
        must = [face for face, may_be_missed in faces if not may_be_missed]
        wanted += len(must)
        found += sum(any(box.overlap(face) >= SAME_FACE for box in boxes) for face in must)
        false += sum(not any(box.overlap(face) >= SAME_FACE for face, _ in faces) for box in boxes)
    return {"faces_found": found, "faces_marked": wanted, "false_faces": false}


def sized_photos(folder: Path) -> dict[str, Path]:
    """Return a photo of one face at each size in megapixels."""
    if not (folder / "12.jpg").exists():
        draw_photo(folder / "12.jpg")
    for name, size in SIZES_PX.items():
        if not (folder / f"{name}.jpg").exists():
            Image.open(folder / "12.jpg").resize(size, Image.Resampling.LANCZOS).save(folder / f"{name}.jpg", quality=92)
    return {name: folder / f"{name}.jpg" for name in SIZES_PX}


def measure(contestant: Contestant, options: argparse.Namespace, folder: Path) -> dict[str, Any]:  # Any: JSON
    """Return every figure of one contestant."""
    faces: FaceSet = options.sample
    pictures = []
    for number, pixels in enumerate(faces.pixels):
        pictures.append(folder / f"face-{number}.png")
        if not pictures[-1].exists():
            Image.fromarray(pixels).save(pictures[-1])
    marked = marked_boxes(options.photos)
    photos = sized_photos(folder)
    found = {"name": contestant.name, "faces": len(faces)}
    found |= shares_right(run(contestant, "faces", pictures).answer, faces)
    found |= faces_found(run(contestant, "photos", [options.photos / name for name in marked]).answer, list(marked.values()))
    found["first_answer_s"] = round(run(contestant, "photos", [photos["2"]]).wall_s, 2)
    for name, photo in photos.items():
        few, many = (run(contestant, "photos", [photo] * count) for count in (FEW, MANY))
        found[f"cpu_ms_{name}_mp"] = round(1000 * (many.cpu_s - few.cpu_s) / (MANY - FEW))
        found[f"found_{name}_mp"] = len(many.answer["boxes"][0])
    found["peak_mb"] = round(many.peak_mb)
    return found


def main() -> int:
    """Measure and print one JSON object per contestant. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="FER2013")
    parser.add_argument("--votes", type=Path, required=True, help="FER+")
    parser.add_argument("--photos", type=Path, required=True, help="photos, and boxes.csv with their faces")
    parser.add_argument("--faces", type=int, default=1200, help="how many validation faces")
    parser.add_argument("--write", type=Path, help="the document to write")
    options = parser.parse_args()
    install()
    options.sample = sample(options.data, options.votes, options.faces)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for contestant in CONTESTANTS:
            rows.append(measure(contestant, options, Path(folder)))
            sys.stdout.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.flush()
    if options.write:
        options.write.write_text(document_of(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
