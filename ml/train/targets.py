"""What a network is trained towards: the raters' votes and the labels, and what its teachers say of each face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, rater_shares
from ml.serve.engines import softmax
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Normaliser
from ml.train.run import Run
from ml.train.teachers import read_teacher
from ml.train.trainer import logits_of


def smooth_labels(labels: NDArray[np.int64], smoothing: float) -> NDArray[np.float32]:
    """Return one-hot labels (N, 7), float32, with the mass `smoothing` spread evenly over the classes."""
    count = len(EXPRESSIONS)
    return (np.eye(count, dtype=np.float32)[labels] * (1 - smoothing) + smoothing / count).astype(np.float32)


@dataclass(frozen=True)
class Targets:
    """The targets of the training faces: raters' vote shares (N, 7), zero for faces without votes; smoothed labels (N, 7)."""

    raters: NDArray[np.float32]
    labels: NDArray[np.float32]


def choose_targets(run: Run, normaliser: Normaliser) -> Targets:
    """Return vote shares and labels, blended with the teachers' probabilities if there are any (Hinton et al. 2015).

    A teacher smooths each label according to the face; plain smoothing treats all wrong answers alike. Raises ValueError for faces
    without votes.
    """
    faces, share = run.train, run.config.teacher_share
    if faces.votes is None:
        raise ValueError("training needs FER+ votes")
    raters, usable = rater_shares(faces.votes)  # (N, 7), (N,)
    labels = smooth_labels(faces.labels, run.config.smoothing)  # (N, 7)
    if run.teachers:
        probabilities = np.mean([teacher_probs(teacher, faces, normaliser) for teacher in run.teachers], axis=0)  # (2, N, 7)
        raters = (1 - share) * raters + share * probabilities[0]
        labels = (1 - share) * labels + share * probabilities[1]
    return Targets(raters * usable[:, np.newaxis], labels)


def teacher_probs(teacher: Path, faces: FaceSet, normaliser: Normaliser) -> NDArray[np.float32]:
    """Return the probabilities (2, N, 7), in the order of HEADS, that a teacher gives the training faces.

    `teacher` is a file of logits, or a run folder with finished weights. Raises OtherFaces when the logits are of other faces.
    """
    if teacher.suffix == ".npz":
        return read_teacher(teacher).probabilities("train", faces)
    import keras

    model = keras.models.load_model(teacher / "model.keras", compile=False)
    return softmax(logits_of(model, faces.pixels, normaliser)).astype(np.float32)
