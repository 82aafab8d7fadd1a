"""Steps and a run under the backend that KERAS_BACKEND names, in a process of its own: a process has one backend.

    python -m tests.ml.train.steps FOLDER DATA

FOLDER holds begun.npz and half.npz, states of a trainer, and run, the folder of a run of four epochs on the tiny data set DATA.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.serve.preprocess import measure_normaliser
from ml.train.batches import Batches, DeviceBatches
from ml.train.release import release
from ml.train.run import Run
from ml.train.targets import choose_targets
from ml.train.trainer import Trainer, load_arrays, save_arrays
from ml.train.training import train
from tests.ml.runs import TINY, random_batch, run_on

EXACT = replace(TINY, precision="float32", dropout=0.0)
"""Nothing that two backends may do differently: no rounding to bfloat16, no random numbers of their own."""
HALF = 4
"""Steps until half.npz, and from there to the end."""


def take_steps(trainer: Trainer, state: Path, first: int, out: Path) -> list[float]:
    """Take HALF steps from a saved state on, the last two of them averaged alike; save the new state and return the losses."""
    trainer.restore(load_arrays(state))
    losses = [float(trainer.step(random_batch(first + number), 0.02, number > 1)) for number in range(HALF)]
    save_arrays(out, trainer.state())
    return losses


def batch_gaps(run: Run) -> dict[str, float]:
    """Return how far a batch made on the device lies from one made in numpy: in grey values at most and, of JPEGs, on average."""
    normaliser = measure_normaliser(run.train.pixels)
    targets = choose_targets(run, normaliser)
    gaps: dict[str, float] = {}
    for name, share in (("plain", 0.0), ("compressed", 1.0)):
        config = replace(run.config, compress_share=share, half_share=0.3, rims_share=0.3, mixup=0.2)
        both = [kind(replace(run, config=config), targets, normaliser) for kind in (Batches, DeviceBatches)]
        ours, theirs = (batches.prepare(1, 0, (44, 44)) for batches in both)
        assert type(theirs[0]) is not type(ours[0])
        apart = np.abs(ours[0] - np.asarray(theirs[0])) * normaliser.deviation  # (B, 44, 44, 1)
        gaps[name] = float(apart.max() if not share else apart.mean())
        gaps[f"targets, {name}"] = max(
            float(np.abs(one - np.asarray(other)).max()) for one, other in zip(ours[1:], theirs[1:], strict=True)
        )
    return gaps


def main() -> None:
    """Take the steps, go on with the run, release it, all without TensorFlow, and print as JSON what came of it."""
    imported = "tensorflow" in sys.modules
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # as where it is not installed: importing it fails
    folder, data = map(Path, sys.argv[1:])
    trainer, again = Trainer(EXACT), Trainer(EXACT)
    seeded = all((one == other).all() for one, other in zip(trainer.state().values(), again.state().values(), strict=True))
    losses = take_steps(trainer, folder / "begun.npz", 0, folder / "own-half.npz")
    losses += take_steps(trainer, folder / "half.npz", HALF, folder / "own-end.npz")
    run = run_on(data, TINY, folder / "run", 5)
    train(run, resume=True)
    report = release(run.out, run.train, run.validation, "0.0.1", folder / "weights")
    told = {"imported": imported, "seeded": seeded, "losses": losses, "gaps": batch_gaps(run), "training": report["training"]}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
