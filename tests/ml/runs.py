"""Training runs on the tiny data set: their type, a copy of one, and the weights that it finished with."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.data import join_votes, load_split, read_votes
from ml.train.augment import Batch
from ml.train.config import Config
from ml.train.run import Run
from ml.train.trainer import Arrays, name_of

MakeRun = Callable[..., Run]
TINY = replace(Config(), widths=(4, 8), pairs=(0, 1), batch=8, warmup_steps=2, norm_batches=4, small_side=24)
"""A recipe that trains in a second."""


def run_on(data: Path, config: Config, out: Path, epochs: float) -> Run:
    """Return a run on the tiny data set that is not trained yet."""
    votes = read_votes(data / "votes.csv")
    train, validation = (join_votes(load_split(data, split), votes) for split in ("train", "validation"))
    return Run(config, train, validation, out, epochs, eval_every=2)


def random_batch(seed: int) -> Batch:
    """Return a batch of 16 faces of noise with one-hot targets."""
    rng = np.random.default_rng(seed)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 16)]
    return rng.normal(size=(16, 44, 44, 1)).astype(np.float32), targets, targets


def copy_run(run: Run, out: Path) -> Run:
    """Return the run with a copy of its folder, which a test may change."""
    return replace(run, out=Path(shutil.copytree(run.out, out)))


def load_keras_weights(path: Path) -> Arrays:
    """Return the variables in a .keras file by name."""
    import keras

    return {name_of(variable): np.asarray(variable) for variable in keras.models.load_model(path, compile=False).variables}
