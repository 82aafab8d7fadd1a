"""Steps and a run under the backend that KERAS_BACKEND names, in a process of its own: a process has one backend.

    python -m tests.ml.train.steps FOLDER DATA

FOLDER holds begun.npz and half.npz, states of a trainer, and run, the folder of a run of four epochs on the tiny data set DATA.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from ml.train.release import release
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
    told = {"imported": imported, "seeded": seeded, "losses": losses, "training": report["training"]}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
