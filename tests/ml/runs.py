"""Training runs on the tiny data set: their type, a copy of one, and the weights that it finished with."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.train.trainer import Arrays, name_of
from ml.train.training import Run

MakeRun = Callable[..., Run]


def copy_run(run: Run, out: Path) -> Run:
    """Return the run with a copy of its folder, which a test may change."""
    return replace(run, out=Path(shutil.copytree(run.out, out)))


def load_keras_weights(path: Path) -> Arrays:
    """Return the variables in a .keras file by name."""
    import keras

    return {name_of(variable): np.asarray(variable) for variable in keras.models.load_model(path, compile=False).variables}
