"""Train the network. Leaves a run folder: state.npz (each epoch), trunk.npz, curves (CSV, SVG), and weights with their report.

Progress is one line per epoch. A run that was stopped goes on with --resume. --minutes makes the run end in time: the rate starts
to fall when the last share of the time begins. trunk.npz is the state just before that fall; --trunk starts a new run from it,
at the stable rate, to train longer than was first planned.
"""

import argparse
import csv
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.augment import augment
from ml.config import Config
from ml.curves import draw_curves
from ml.data import FaceSet, join_votes, load_split, rater_majority, rater_shares, read_votes
from ml.evaluate import summary
from ml.expressions import EXPRESSIONS
from ml.preprocess import Normaliser, measure_normaliser
from ml.release import release
from ml.schedule import Budget, frame_at, is_falling, rate_at
from ml.trainer import Trainer, finished_model, load_arrays, logits_of, save_arrays

log = logging.getLogger("ml.train")

CURVES = ("epoch", "step", "seconds", "side", "rate", "loss", "images_per_second", "weights", "fer2013_accuracy", "raters_accuracy")

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Run:
    """One training run: what it learns from, where it writes, and how often it looks at the validation faces."""

    config: Config
    train: FaceSet
    validation: FaceSet
    out: Path
    epochs: float
    minutes: float | None = None
    trunk: Path | None = None
    look_every: int = 3
    tell_every: int = 50

    @property
    def steps_per_epoch(self) -> int:
        """Return full batches in the training faces; at least one, so that tiny sets train too."""
        return max(1, len(self.train) // self.config.batch)


def smooth_labels(labels: NDArray[np.int64], smoothing: float) -> NDArray[np.float32]:
    """Return one-hot labels (N, 7) with `smoothing` spread evenly."""
    count = len(EXPRESSIONS)
    return (np.eye(count, dtype=np.float32)[labels] * (1 - smoothing) + smoothing / count).astype(np.float32)


def batches(run: Run, normaliser: Normaliser, epoch: int, frame: tuple[int, int]) -> Iterator[Batch]:
    """Yield an epoch's batches, each prepared while the one before is learned. Seeded by epoch and place."""
    config, faces = run.config, run.train
    if faces.votes is None:
        raise ValueError("training needs FER+ votes")
    shares, usable = rater_shares(faces.votes)
    shares = shares * usable[:, np.newaxis]
    labels = smooth_labels(faces.labels, config.smoothing)
    order = np.random.default_rng((config.seed, epoch)).permutation(len(faces))

    def prepare(place: int) -> Batch:
        chosen = order[place * config.batch : (place + 1) * config.batch]
        rng = np.random.default_rng((config.seed, epoch, place))
        changed = augment(faces.pixels[chosen], *frame, config, rng)
        return normaliser.apply(changed), shares[chosen], labels[chosen]

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(prepare, 0)
        for place in range(run.steps_per_epoch):
            ready = ahead
            if place + 1 < run.steps_per_epoch:
                ahead = pool.submit(prepare, place + 1)
            yield ready.result()


def accuracies(logits: NDArray[np.float64], faces: FaceSet) -> tuple[float, float]:
    """Return the share of original labels named rightly, and of the raters' majorities."""
    raters, fer2013 = logits.argmax(axis=2)
    if faces.votes is None:
        return float((fer2013 == faces.labels).mean()), float("nan")
    majority, _ = rater_majority(faces.votes)
    known = majority >= 0
    return float((fer2013 == faces.labels).mean()), float((raters == majority)[known].mean())


def train(run: Run, resume: bool = False) -> Trainer:
    """Train until the budget is spent and return the trainer. Writes state.npz, trunk.npz and curves.csv as it goes."""
    run.out.mkdir(parents=True, exist_ok=True)
    normaliser = measure_normaliser(run.train.pixels)
    trainer = Trainer(run.config)
    epoch, step, seconds = 0, 0, 0.0
    if resume:
        state = load_arrays(run.out / "state.npz")
        trainer.restore(state)
        epoch, step, seconds = int(state["epoch"]), int(state["step"]), float(state["seconds"])
    elif run.trunk is not None:
        trainer.restore(load_arrays(run.trunk))
    budget = Budget(run.epochs, run.steps_per_epoch, run.minutes, seconds)
    while budget.progress(step) < 1:
        epoch += 1
        step = train_epoch(run, trainer, budget, normaliser, epoch, step)
    return trainer


def train_epoch(run: Run, trainer: Trainer, budget: Budget, normaliser: Normaliser, epoch: int, step: int) -> int:
    """Train one epoch, or what the budget leaves of it, and return the step reached."""
    warm, first, began = run.trunk is not None, step, budget.seconds
    frame = frame_at(budget.progress(step), run.config, warm)
    losses: list[float] = []
    rate = 0.0
    for batch in batches(run, normaliser, epoch, frame):
        progress = budget.progress(step)
        if progress >= 1:
            break
        if is_falling(progress, run.config) and not (run.out / "trunk.npz").exists():
            save_arrays(run.out / "trunk.npz", trainer.state() | {"epoch": np.array(epoch), "step": np.array(step)})
        rate = rate_at(progress, step, run.config, warm)
        losses.append(trainer.step(*batch, rate))
        step += 1
        if len(losses) % run.tell_every == 0:
            log.info("epoch %d step %d loss %.4f", epoch, step, np.mean(losses[-run.tell_every :]))
    images = (step - first) * run.config.batch / max(budget.seconds - began, 1e-9)
    marks = {"epoch": np.array(epoch), "step": np.array(step), "seconds": np.array(budget.seconds)}
    save_arrays(run.out / "state.npz", trainer.state() | marks)
    row = [epoch, step, round(budget.seconds), frame[0], round(rate, 5), round(float(np.mean(losses or [0])), 4), round(images, 1)]
    at_end = budget.progress(step) >= 1
    looks = look(run, trainer, normaliser, at_end) if at_end or epoch % run.look_every == 0 else []
    record(run.out / "curves.csv", [[*row, *seen] for seen in looks] or [[*row, "", "", ""]])
    return step


def look(run: Run, trainer: Trainer, normaliser: Normaliser, at_end: bool) -> list[list[str | float]]:
    """Return validation accuracies of the averaged weights, at the run's end of the raw weights too."""
    rows: list[list[str | float]] = []
    for average in (False, True) if at_end else (True,):
        quick = run.config.norm_batches // 4
        model = finished_model(run.config, trainer.state(), run.train.pixels, normaliser, quick, average)
        fer2013, raters = accuracies(logits_of(model, run.validation.pixels, normaliser), run.validation)
        rows.append(["averaged" if average else "raw", round(fer2013, 4), round(raters, 4)])
    return rows


def record(path: Path, rows: list[list[str | float]]) -> None:
    """Add rows to the curves and print them."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(CURVES)
        writer.writerows(rows)
    for row in rows:
        log.info(" ".join(f"{name}={value}" for name, value in zip(CURVES, row, strict=True) if value != ""))


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes, joined by row number")
    parser.add_argument("--out", type=Path, required=True, help="run folder, for example runs/first")
    parser.add_argument("--epochs", type=float, default=30, help="length of the run (default 30)")
    parser.add_argument("--minutes", type=float, help="length by the wall clock instead")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--trunk", type=Path, help="start from this trunk.npz, at the stable rate")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (default 2)")
    return parser.parse_args()


def main() -> int:
    """Train as the command line says and finish the weights. Returns the exit status."""
    options = parse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    votes = read_votes(options.votes)
    train_faces, validation = (join_votes(load_split(options.data, split), votes) for split in ("train", "validation"))
    run = Run(Config(), train_faces, validation, options.out, options.epochs, options.minutes, options.trunk)
    log.info("training on %d faces, validating on %d", len(train_faces), len(validation))
    train(run, options.resume)
    draw_curves(run.out / "curves.csv")
    report = release(run.out, run.train, run.validation, f"0+{run.out.name}", run.out)
    sys.stdout.write(summary(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
