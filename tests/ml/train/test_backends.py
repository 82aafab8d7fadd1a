"""The two backends of Keras: the same steps, and states that either goes on from."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ml.measure.calibrate import all_logits
from ml.serve.card import load_card
from ml.serve.engines import EngineName, open_engine
from ml.train.run import Run
from ml.train.trainer import Arrays, Trainer, load_arrays, save_arrays
from tests.ml.runs import copy_run
from tests.ml.train.steps import EXACT, HALF, take_steps

pytestmark = pytest.mark.keras
ENGINES: tuple[EngineName, ...] = ("keras", "onnx")


class Both(NamedTuple):
    """What TensorFlow and JAX made of the same start: the losses of all steps, and a folder with the states."""

    folder: Path
    tensorflow: list[float]
    jax: dict[str, Any]


def both_of(trained: Run, tiny_data: Path, folder: Path) -> Both:
    """Take steps under TensorFlow here, and under JAX in a process of its own, which also goes on with a run of TensorFlow's."""
    copy_run(trained, folder / "run")
    trainer = Trainer(EXACT)
    save_arrays(folder / "begun.npz", trainer.state())
    losses = take_steps(trainer, folder / "begun.npz", 0, folder / "half.npz")
    losses += take_steps(trainer, folder / "half.npz", HALF, folder / "end.npz")
    command = [sys.executable, "-m", "tests.ml.train.steps", str(folder), str(tiny_data)]
    told = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, check=True, capture_output=True, text=True).stdout
    return Both(folder, losses, json.loads(told))


NEAR = 5e-4
"""How far weights, momentum and averages may lie apart after four steps, in which they move by a tenth and more. Both add float32
products in other orders. Where that moves a value across the corner of a ReLU, or another pixel becomes the largest of a pool, its
gradient changes at once: 1e-4 was measured."""


def gap(one: Arrays, other: Arrays) -> float:
    """Return the largest difference of two states of one network."""
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name].astype(float) - other[name]).max()) for name in one)


# One test of all: JAX compiles each size of picture, and two processes would do so twice.
@pytest.mark.slow("trains a tiny network under JAX: twenty seconds of processor time")
def test_both_backends_train_alike_and_go_on_with_each_other(trained: Run, tiny_data: Path, tmp_path: Path) -> None:
    both = both_of(trained, tiny_data, tmp_path)
    assert both.jax["imported"] is False
    assert both.jax["seeded"] is True
    check_steps(both)
    check_jax_goes_on(both)
    check_weights_of_jax(both, trained)
    check_tensorflow_goes_on(both, tmp_path / "on.npz")
    check_batches_of_the_device(both)


def check_steps(both: Both) -> None:
    assert both.jax["losses"] == pytest.approx(both.tensorflow, rel=1e-4)
    half, own_half = (load_arrays(both.folder / name) for name in ("half.npz", "own-half.npz"))
    assert gap(half, own_half) < NEAR
    assert gap(half, load_arrays(both.folder / "begun.npz")) > 0.05


def check_jax_goes_on(both: Both) -> None:
    end, own_end = (load_arrays(both.folder / name) for name in ("end.npz", "own-end.npz"))
    assert gap(end, own_end) < NEAR
    assert int(own_end["counted"]) == HALF
    state = load_arrays(both.folder / "run" / "state.npz")
    assert (int(state["epoch"]), str(state["backend"])) == (5, "jax")
    assert (both.folder / "weights" / "model.onnx").exists()
    assert (both.jax["training"]["backend"], both.jax["training"]["epochs"]) == ("jax", 5)


def check_weights_of_jax(both: Both, trained: Run) -> None:
    weights = both.folder / "weights"
    card = load_card(weights)
    trained_logits, served = (all_logits(open_engine(name, weights, card), trained.validation, card.normaliser) for name in ENGINES)
    assert np.abs(trained_logits - served).max() < 0.3  # 8-bit integers serve
    assert np.ptp(trained_logits) > 1


def check_tensorflow_goes_on(both: Both, end: Path) -> None:
    losses = take_steps(Trainer(EXACT), both.folder / "own-half.npz", HALF, end)
    assert losses[0] == pytest.approx(both.tensorflow[HALF], rel=1e-3)
    assert gap(load_arrays(both.folder / "own-half.npz"), load_arrays(end)) > 1e-3


def check_batches_of_the_device(both: Both) -> None:
    gaps = both.jax["gaps"]
    # Rounding alone. A grey value at the edge of a rim, or of the covered half, would be apart by far more.
    assert gaps["plain"] < 0.05
    # Grey values of JPEGs: libjpeg computes with integers.
    assert gaps["compressed"] < 0.5
    assert gaps["targets, plain"] == gaps["targets, compressed"] == pytest.approx(0, abs=1e-6)
