"""Write the logits of a finished network, from which other networks learn: NAME.npz, less than a megabyte.

    python -m ml.train.teach --weights runs/apart --name apart --data fer2013.zip --votes fer2013_ferplus.csv

--weights is the folder of a finished run, or a weights folder. The logits of training and validation faces are kept, each the mean
of a face and its mirror image, in float16. `python -m ml.train.ceiling` measures teachers from these files alone.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from ml.data import FaceSet, hash_faces, join_votes, load_split, read_votes
from ml.measure.protocols import measure_accuracies
from ml.measure.report import tell_unreadable
from ml.serve.card import load_card
from ml.serve.engines import load_keras
from ml.serve.onnx_session import read_verified
from ml.train.teachers import FOLDER, SPLITS, OtherFaces, Teacher
from ml.train.trainer import logits_of


def teach(weights: Path, name: str, faces: dict[str, FaceSet]) -> Teacher:
    """Return what a finished network knows of the faces, by split.

    Raises OtherFaces when it was trained on others, WeightsError or FileNotFoundError when the folder holds no finished weights.
    """
    card, report = load_card(weights), json.loads((weights / "report.json").read_text())
    if card.data_sha256 != hash_faces(faces["train"]):
        raise OtherFaces(f"{weights} was trained on other faces or votes")
    model = load_keras(weights / "model.keras", read_verified(weights / "model.keras", card.keras_sha256))
    logits = {split: logits_of(model, faces[split].pixels, card.normaliser).astype(np.float16) for split in SPLITS}
    facts = {
        "recipe": card.config,
        "training": report["training"],
        "weights_sha256": card.keras_sha256,
        "faces": {split: hash_faces(faces[split]) for split in SPLITS},
        "validation": measure_accuracies(logits["validation"].astype(np.float64), faces["validation"]),
    }
    return Teacher(name, logits, facts)


@tell_unreadable()
def main() -> int:
    """Write the file as the command line says. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train.teach", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="folder of a finished run, or weights folder")
    parser.add_argument("--name", required=True, help="name of the teacher: that of its stage, if it has one")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    parser.add_argument("--teachers", type=Path, default=FOLDER, help="folder to write to (default: ml/teachers)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    votes = read_votes(options.votes)
    teacher = teach(options.weights, options.name, {split: join_votes(load_split(options.data, split), votes) for split in SPLITS})
    path = teacher.save(options.teachers)
    sys.stdout.write(f"{path}: {json.dumps(teacher.facts['validation'])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
