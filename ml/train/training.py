"""Train the network on FER2013 faces with FER+ votes: the first stage of the recipe, unless another is named.

Progress is logged every fifty steps and after each epoch, with the time left. --resume continues a run that was stopped. --minutes
ends a run on time: the rate starts to fall when the last share of the time begins. stable.npz is the state just before that fall,
start.npz the weights that the run began with.

--to STAGE trains that stage from scratch, stage by stage. Each continues from the stable checkpoint or the finished weights of an
earlier one, and blends the probabilities of earlier finished weights into its targets.
"""

import argparse
import csv
import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, hash_faces, join_votes, load_split, rater_majority, rater_shares, read_votes
from ml.measure.evaluate import summary
from ml.measure.report import tell_unreadable
from ml.serve.engines import softmax
from ml.serve.expressions import EXPRESSIONS, HEADS
from ml.serve.preprocess import Normaliser, measure_normaliser
from ml.train.augment import Batch, augment, mix
from ml.train.config import OWN, RECIPE, Config, chain
from ml.train.curves import draw_curves
from ml.train.release import release
from ml.train.schedule import Budget, counts_alike, frame_at, is_falling, rate_at, steps_per_epoch
from ml.train.trainer import Arrays, Trainer, averages, finished_model, load_arrays, logits_of, save_arrays

log = logging.getLogger("ml.train.training")

CURVES = ("epoch", "step", "seconds", "side", "rate", "loss", "images_per_second", "weights", "fer2013_accuracy", "raters_accuracy")


@dataclass(frozen=True)
class Run:
    """One training run: its faces, its folder, and how often (in epochs and steps) it validates and logs."""

    config: Config
    train: FaceSet
    validation: FaceSet
    out: Path
    epochs: float
    minutes: float | None = None
    stable_checkpoint: Path | None = None
    teachers: tuple[Path, ...] = ()
    eval_every: int = 6
    log_every: int = 50

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Return recipe, faces and earlier stages as text: a run continues only with the same ones."""
        former = [path for path in (self.stable_checkpoint, *(teacher / "model.keras" for teacher in self.teachers)) if path]
        hashes = " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in former)
        return {"recipe": str(self.config), "faces": hash_faces(self.train), "former": hashes}

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of full batches in the training faces."""
        return steps_per_epoch(len(self.train), self.config)


class WrongFingerprint(ValueError):
    """The run folder holds another run: of another recipe, other faces or other earlier stages, or one that must be kept."""


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
    """Return the probabilities (2, N, 7), in the order of HEADS, that the finished weights in a run folder give the faces."""
    import keras

    model = keras.models.load_model(teacher / "model.keras", compile=False)
    return softmax(logits_of(model, faces.pixels, normaliser)).astype(np.float32)


def batches(run: Run, targets: Targets, normaliser: Normaliser, epoch: int, frame: tuple[int, int]) -> Iterator[Batch]:
    """Yield the batches of an epoch, each prepared while the one before trains. Seeded by epoch and place."""
    config, faces = run.config, run.train
    order = np.random.default_rng((config.seed, epoch)).permutation(len(faces))

    def prepare(place: int) -> Batch:
        chosen = order[place * config.batch : (place + 1) * config.batch]
        rng = np.random.default_rng((config.seed, epoch, place))
        changed = augment(faces.pixels[chosen], *frame, config, rng)
        return mix((normaliser.apply(changed), targets.raters[chosen], targets.labels[chosen]), config.mixup, rng)

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(prepare, 0)
        for place in range(run.steps_per_epoch):
            ready = ahead
            if place + 1 < run.steps_per_epoch:
                ahead = pool.submit(prepare, place + 1)
            yield ready.result()


def accuracies(logits: NDArray[np.float64], faces: FaceSet) -> tuple[float, float]:
    """Return the accuracies on the original labels and on the raters' majorities (nan without votes); logits (2, N, 7)."""
    named = logits.argmax(axis=2)  # (2, N)
    raters, fer2013 = (named[HEADS.index(head)] for head in ("raters", "fer2013"))
    if faces.votes is None:
        return float((fer2013 == faces.labels).mean()), float("nan")
    majority, _ = rater_majority(faces.votes)
    known = majority >= 0
    return float((fer2013 == faces.labels).mean()), float((raters == majority)[known].mean())


def train(run: Run, resume: bool = False) -> Trainer:
    """Train until the budget is spent and return the trainer. Writes state.npz, stable.npz and curves.csv on the way.

    Raises WrongFingerprint when `resume` finds the state of another run, and without `resume` when it finds any: it is worth hours.
    """
    run.out.mkdir(parents=True, exist_ok=True)
    state = state_of(run)
    if state and not resume:
        raise WrongFingerprint(f"{run.out} holds a run already: choose another --out, or go on with --resume")
    normaliser = measure_normaliser(run.train.pixels)
    targets = choose_targets(run, normaliser)
    trainer = Trainer(run.config)
    epoch, step, seconds = 0, 0, 0.0
    if state:
        trainer.restore(state)
        epoch, step, seconds = int(state["epoch"]), int(state["step"]), float(state["seconds"])
    elif run.stable_checkpoint is not None and run.stable_checkpoint.suffix == ".keras":
        trainer.grow_from_finished(run.stable_checkpoint)
        save_arrays(run.out / "start.npz", averages(trainer.state()))
    elif run.stable_checkpoint is not None:
        stable_checkpoint = load_arrays(run.stable_checkpoint)
        trainer.grow_from(stable_checkpoint)
        # The order of the faces is seeded by epoch: go on counting, or the same orders come again.
        epoch = int(stable_checkpoint["epoch"])
    budget = Budget(run.epochs, run.steps_per_epoch, run.minutes, seconds)
    log.info("arithmetic: %s", trainer.precision)
    if not is_falling(budget.progress(step), run.config):
        # One that exists belongs to an earlier run, or to this one when it was to be shorter.
        (run.out / "stable.npz").unlink(missing_ok=True)
    if not step:
        (run.out / "curves.csv").unlink(missing_ok=True)
    if budget.progress(step) < 1:
        (run.out / "report.json").unlink(missing_ok=True)  # of a shorter run
    began = step
    while budget.progress(step) < 1:
        epoch += 1
        step = train_epoch(run, trainer, targets, budget, normaliser, epoch, step)
        if budget.progress(step) < 1:
            log.info("about %.1f hours are left of %s", budget.seconds_left(step - began, step) / 3600, run.out.name)
    return trainer


def state_of(run: Run) -> Arrays:
    """Return the state in the run folder, empty when there is none. Raises WrongFingerprint when it belongs to another run."""
    path = run.out / "state.npz"
    if not path.exists():
        return {}
    state = load_arrays(path)
    if {name: str(state.get(name)) for name in run.fingerprint} != run.fingerprint:
        raise WrongFingerprint(
            f"{run.out} holds a run of another recipe, other faces or other former stages: take another folder for --out"
        )
    return state


def is_finished(run: Run) -> bool:
    """Whether the run folder holds the weights and measures of this run, and not those of a shorter one."""
    state = state_of(run)
    if not state or not (run.out / "report.json").exists():
        return False
    budget = Budget(run.epochs, run.steps_per_epoch, run.minutes, float(state["seconds"]))
    return budget.progress(int(state["step"])) >= 1


def train_epoch(run: Run, trainer: Trainer, targets: Targets, budget: Budget, normaliser: Normaliser, epoch: int, step: int) -> int:
    """Train one epoch, or as much of it as the budget allows, and return the step reached."""
    warm, first, began = run.stable_checkpoint is not None, step, budget.seconds
    frame = frame_at(budget.progress(step), run.config, warm)
    losses: list[float] = []
    rate = 0.0
    for batch in batches(run, targets, normaliser, epoch, frame):
        progress = budget.progress(step)
        if progress >= 1:
            break
        if is_falling(progress, run.config) and not (run.out / "stable.npz").exists():
            save_arrays(run.out / "stable.npz", trainer.state() | {"epoch": np.array(epoch), "step": np.array(step)})
        rate = rate_at(progress, step, run.config, warm)
        losses.append(trainer.step(batch, rate, counts_alike(progress, run.config)))
        step += 1
        if len(losses) % run.log_every == 0:
            log.info("epoch %d step %d loss %.4f", epoch, step, np.mean(losses[-run.log_every :]))
    images = (step - first) * run.config.batch / max(budget.seconds - began, 1e-9)
    marks = {"epoch": epoch, "step": step, "seconds": budget.seconds, "precision": trainer.precision, **run.fingerprint}
    save_arrays(run.out / "state.npz", trainer.state() | {name: np.array(mark) for name, mark in marks.items()})
    row = [epoch, step, round(budget.seconds), frame[0], round(rate, 5), round(float(np.mean(losses or [0])), 4), round(images, 1)]
    at_end = budget.progress(step) >= 1
    validations = validate(run, trainer, normaliser, at_end) if at_end or epoch % run.eval_every == 0 else []
    record(run.out / "curves.csv", [[*row, *validation] for validation in validations] or [[*row, "", "", ""]])
    return step


def validate(run: Run, trainer: Trainer, normaliser: Normaliser, at_end: bool) -> list[list[str | float]]:
    """Return the validation accuracies of the averaged weights and, at the end of the run, of the raw weights too."""
    rows: list[list[str | float]] = []
    for average in (False, True) if at_end else (True,):
        quick = run.config.norm_batches // 4
        model = finished_model(run.config, trainer.state(), run.train.pixels, normaliser, quick, average)
        fer2013, raters = accuracies(logits_of(model, run.validation.pixels, normaliser), run.validation)
        rows.append(["averaged" if average else "raw", round(fer2013, 4), round(raters, 4)])
    return rows


def record(path: Path, rows: list[list[str | float]]) -> None:
    """Append rows to curves.csv and log them."""
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
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder, runs/NAME; with --stage or --to the folder that holds them"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stage", choices=RECIPE, help="one stage of the recipe; what it builds on lies in --out")
    which.add_argument("--to", choices=RECIPE, help="a stage of the recipe and, before it, all that it builds on")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, help="length in epochs, the same on any machine (default: the recipe's)")
    length.add_argument("--minutes", type=float, help="length by the wall clock instead")
    parser.add_argument("--resume", action="store_true", help="go on where a run was stopped")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (default 2)")
    return parser.parse_args()


@tell_unreadable()
def main() -> int:
    """Train as the command line says and finish the weights of each stage. Returns the exit status."""
    options = parse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    votes = read_votes(options.votes)
    train_faces, validation = (join_votes(load_split(options.data, split), votes) for split in ("train", "validation"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on older processors not TensorFlow's own choice; saves a third
    # Needed at the end: if it is missing, fail now and not after hours.
    import onnx  # noqa: F401
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    log.info("training on %d faces, validating on %d", len(train_faces), len(validation))
    try:
        for run in chosen_runs(options, train_faces, validation):
            make_weights(run, options.resume)
    except WrongFingerprint as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def make_weights(run: Run, resume: bool) -> None:
    """Train a run, and finish and measure its weights, unless that was done before. Raises WrongFingerprint as `train` does."""
    if resume and is_finished(run):
        log.info("%s is finished", run.out)
        return
    log.info("run %s", run.out)
    train(run, resume)
    draw_curves(run.out / "curves.csv")
    report = release(run.out, run.train, run.validation, f"0+{run.out.name}", run.out, config=run.config)
    sys.stdout.write(summary(report) + "\n")


def chosen_runs(options: argparse.Namespace, train_faces: FaceSet, validation: FaceSet) -> list[Run]:
    """Return the runs that the command line requests: a run of its own, or stages of the recipe."""
    out, epochs, minutes = options.out, options.epochs, options.minutes
    if not (options.stage or options.to):
        return [Run(OWN.config, train_faces, validation, out, epochs or OWN.epochs, minutes)]
    runs = []
    for name in chain(options.to) if options.to else [options.stage]:
        stage = RECIPE[name]
        stable_checkpoint = (
            out / stage.stable_checkpoint / "stable.npz"
            if stage.stable_checkpoint
            else out / stage.finished / "model.keras"
            if stage.finished
            else None
        )
        teachers = tuple(out / teacher for teacher in stage.teachers)
        runs.append(
            Run(stage.config, train_faces, validation, out / name, epochs or stage.epochs, minutes, stable_checkpoint, teachers)
        )
    return runs
