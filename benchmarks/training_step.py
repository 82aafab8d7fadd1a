"""What a training step costs: the committed recipe beside each of its savings taken back, in one process, in turn.

    python -m benchmarks.training_step [--rounds 7] [--threads 2]

Prints one JSON line for each: the median milliseconds of a step on 128 faces, and how many times the committed one that is.
Augmentation runs beside the step in training and is not part of it.
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace
from unittest.mock import patch

import numpy as np

STEPS = 4
"""Of each kind in a round; one more goes before, since the caches hold the other network's weights."""


def main() -> int:
    """Print one JSON line for each kind of step. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_step", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (default 2)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    from ml.config import Config
    from ml.trainer import Trainer

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    committed = Config()
    with patch("ml.trainer.fused_norm", lambda: None):
        composed = Trainer(committed)
    kinds = {
        "committed": (Trainer(committed), committed.crop_side),
        "early, small side": (Trainer(committed), committed.small_side),
        "batch norm as Keras composes it": (composed, committed.crop_side),
        "float32": (Trainer(replace(committed, precision="float32")), committed.crop_side),
    }
    rng = np.random.default_rng(committed.seed)
    shares = rng.dirichlet(np.ones(7), committed.batch).astype(np.float32)
    spent: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(options.rounds + 1):
        for name, (trainer, side) in kinds.items():
            faces = rng.standard_normal((committed.batch, side, side, 1)).astype(np.float32)
            trainer.step((faces, shares, shares), committed.rate)
            began = time.perf_counter()
            for _ in range(STEPS):
                trainer.step((faces, shares, shares), committed.rate)
            if number:  # The first round traces and compiles.
                spent[name].append(1000 * (time.perf_counter() - began) / STEPS)
    medians = {name: statistics.median(laps) for name, laps in spent.items()}
    for name, median in medians.items():
        line = {"step": name, "median_ms": round(median, 1), "times_committed": round(median / medians["committed"], 2)}
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
