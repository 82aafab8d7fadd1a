"""What stays of a teacher: its logits on the faces, in one small file, NAME.npz. A stage learns from it without the weights."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, UnreadableData, hash_faces
from ml.serve.engines import softmax
from ml.train.trainer import save_arrays

FOLDER = Path(__file__).parents[1] / "teachers"
SPLITS = ("train", "validation")


class OtherFaces(UnreadableData):
    """The logits were made of other faces than those given, or of the same in another order or with other votes."""


@dataclass(frozen=True)
class Teacher:
    """The logits (2, N, 7) of a finished network on the faces of both splits, each the mean of a face and its mirror image.

    Heads are in the order of HEADS. `facts` says what it is: the recipe, epochs and minutes of its run, the hash of its weights,
    the hash of the faces of each split, and its accuracies on validation.
    """

    name: str
    logits: dict[str, NDArray[np.float16]]
    facts: dict[str, Any]  # Any: JSON

    def probabilities(self, split: str, faces: FaceSet) -> NDArray[np.float32]:
        """Return the probabilities (2, N, 7) of these faces. Raises OtherFaces when the logits are of others."""
        if self.facts["faces"][split] != hash_faces(faces):
            raise OtherFaces(
                f"the logits of the teacher {self.name} were made of other {split} faces or votes: take the same data, or another "
                "folder for --teachers, so that it is trained anew"
            )
        return softmax(self.logits[split].astype(np.float64)).astype(np.float32)

    def save(self, folder: Path) -> Path:
        """Write the file and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.npz"
        save_arrays(path, {**self.logits, "facts": np.array(json.dumps(self.facts))})
        return path


def read_teacher(path: Path) -> Teacher:
    """Return the teacher in a file. Raises UnreadableData when it is not such a file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Teacher(path.stem, {split: stored[split] for split in SPLITS}, json.loads(str(stored["facts"])))
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise UnreadableData(f"{path} holds no logits of a teacher: {error}") from error


def read_teachers(folder: Path, names: list[str]) -> list[Teacher]:
    """Return the named teachers in a folder, or all of them when none is named. Raises UnreadableData when there are none."""
    paths = [folder / f"{name}.npz" for name in names] or sorted(folder.glob("*.npz"))
    if not paths:
        raise UnreadableData(f"{folder} holds no logits of a teacher: `python -m ml.train.teach` writes them")
    return [read_teacher(path) for path in paths]
