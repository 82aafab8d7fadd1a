"""The cost of a training step: the committed recipe, and the recipe without each of its optimisations, in turn in one process.

    [KERAS_BACKEND=jax] python -m benchmarks.training_step [--rounds 7] [--threads 2]

Prints one JSON object per line for each: the median milliseconds of a step on 128 faces, and the ratio to the committed recipe.
Augmentation is not included: in training, it runs in parallel with the step.
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

from ml.train.config import Config

STEPS = 4
"""Measured steps of each kind in a round. One more runs first, because the caches hold the other network's weights."""


def kinds(threads: int) -> dict[str, tuple[Any, int]]:  # Any: a Trainer
    """Return the variants to measure, by name: a trainer, and the side of its pictures in pixels."""
    from ml.train.backends import use_threads
    from ml.train.trainer import Trainer, multiplies_bfloat16

    use_threads(threads)
    committed = Config()
    with patch("ml.train.trainer.fused_norm", lambda: None):
        composed = Trainer(committed)
    measured = {
        "committed": (Trainer(committed), committed.crop_side),
        "early, small side": (Trainer(committed), committed.small_side),
        "batch norm as Keras composes it": (composed, committed.crop_side),
    }
    if multiplies_bfloat16():  # elsewhere the committed recipe uses float32 anyway
        measured["float32"] = (Trainer(replace(committed, precision="float32")), committed.crop_side)
    return measured


def measure(trainer: Any, side: int, rng: np.random.Generator) -> float:  # Any: likewise
    """Return the milliseconds of a step on a random batch."""
    size, rate = trainer.config.batch, trainer.config.rate
    targets = rng.dirichlet(np.ones(7), size).astype(np.float32)  # (batch, 7)
    batch = rng.standard_normal((size, side, side, 1)).astype(np.float32), targets, targets
    float(trainer.step(batch, rate))
    began = time.perf_counter()
    for _ in range(STEPS):
        float(trainer.step(batch, rate))  # waits for it
    return 1000 * (time.perf_counter() - began) / STEPS


def main() -> int:
    """Measure and print one JSON object per line for each kind of step. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_step", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (default 2)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in training
    measured, rng = kinds(options.threads), np.random.default_rng(Config().seed)
    rounds = [{name: measure(*kind, rng) for name, kind in measured.items()} for _ in range(options.rounds + 1)]
    medians = {name: statistics.median(each[name] for each in rounds[1:]) for name in measured}  # the first compiles
    for name, median in medians.items():
        result = {"step": name, "median_ms": round(median, 1), "times_committed": round(median / medians["committed"], 2)}
        sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
