"""Train the network on FER2013 faces with FER+ votes: the first stage of the recipe, unless another is named.

Progress is logged every fifty steps and after each epoch, with the time left. --resume continues a run that was stopped. --minutes
ends a run on time: the rate starts to fall when the last share of the time begins. stable.npz is the state just before that fall,
start.npz the weights that the run began with.

--to STAGE trains that stage from scratch, with all stages that it needs before it. A stage continues from the stable checkpoint or
the finished weights of another, blends the probabilities of its teachers into its targets, or both. Teachers whose logits lie in
--teachers (`ml.train.teach`) are not trained again.
"""

import argparse
import csv
import logging
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, join_votes, load_split, rater_majority, read_votes
from ml.measure.evaluate import summary
from ml.measure.report import tell_unreadable
from ml.serve.expressions import HEADS
from ml.serve.preprocess import Normaliser, measure_normaliser
from ml.train.backends import backend, use_threads
from ml.train.batches import Batches, batches_of
from ml.train.config import OWN, RECIPE, Config, chain
from ml.train.curves import draw_curves
from ml.train.release import release
from ml.train.run import Position, Run, WrongFingerprint, is_finished, position_of, state_of
from ml.train.schedule import Budget, counts_alike, frame_at, is_falling, rate_at, work_left
from ml.train.targets import choose_targets
from ml.train.teachers import FOLDER
from ml.train.trainer import Arrays, Trainer, averages, finished_model, load_arrays, logits_of, save_arrays

log = logging.getLogger("ml.train.training")

CURVES = ("epoch", "step", "seconds", "side", "rate", "loss", "images_per_second", "weights", "fer2013_accuracy", "raters_accuracy")


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
    source = batches_of(run, choose_targets(run, normaliser), normaliser)
    trainer = Trainer(run.config)
    at = begin(run, trainer, state)
    budget = Budget(run.epochs, run.steps_per_epoch, run.minutes, float(state.get("seconds", 0)))
    log.info("%s, arithmetic: %s", backend(), trainer.precision)
    if not is_falling(budget.progress(at.step), run.config):
        # One that exists belongs to an earlier run, or to this one when it was to be shorter.
        (run.out / "stable.npz").unlink(missing_ok=True)
    if not at.step:
        (run.out / "curves.csv").unlink(missing_ok=True)
    if budget.progress(at.step) < 1:
        (run.out / "report.json").unlink(missing_ok=True)  # of a shorter run
    began = at.step
    while budget.progress(at.step) < 1:
        if at.place >= run.steps_per_epoch:
            at.epoch, at.place = at.epoch + 1, 0
        train_epoch(run, trainer, source, budget, at)
        if budget.progress(at.step) < 1:
            tell_hours(run, budget, began, at.step)
    return trainer


def tell_hours(run: Run, budget: Budget, began: int, step: int) -> None:
    """Log how long this stage will take at the pace so far, and all that come after it."""
    hours = budget.seconds_left(step - began, step) / 3600
    log.info("about %.1f hours are left of %s", hours, run.out.name)
    if run.later and run.minutes is None:
        own = work_left(run.config, run.epochs, budget.progress(step), run.stable_checkpoint is not None)
        log.info("about %.1f hours with the stages after it", hours * (1 + run.later / own))


def begin(run: Run, trainer: Trainer, state: Arrays) -> Position:
    """Load what the run goes on from, its own state or that of an earlier stage, and return where it stands."""
    ended = run.steps_per_epoch  # the place after the last batch of an epoch
    if state:
        trainer.restore(state)
        return position_of(state, run)
    if run.stable_checkpoint is None:
        return Position(place=ended)
    if run.stable_checkpoint.suffix == ".keras":
        trainer.grow_from_finished(run.stable_checkpoint)
        save_arrays(run.out / "start.npz", averages(trainer.state()))
        return Position(place=ended)
    stable_checkpoint = load_arrays(run.stable_checkpoint)
    trainer.grow_from(stable_checkpoint)
    # The order of the faces is seeded by epoch: go on counting, or the same orders come again.
    return Position(epoch=int(stable_checkpoint["epoch"]), place=ended)


def train_epoch(run: Run, trainer: Trainer, source: Batches, budget: Budget, at: Position) -> None:
    """Train the rest of an epoch, or as much of it as the budget allows, and move `at` on."""
    warm, first, began = run.stable_checkpoint is not None, at.step, budget.seconds
    frame = frame_at(budget.progress(at.step - at.place), run.config, warm)
    losses: list[Any] = []  # Any: scalars of the backend
    rate, saved = 0.0, budget.seconds
    for batch in source.of_epoch(at.epoch, at.place, frame):
        progress = budget.progress(at.step)
        if progress >= 1:
            break
        if is_falling(progress, run.config) and not (run.out / "stable.npz").exists():
            save_arrays(run.out / "stable.npz", trainer.state() | {"epoch": np.array(at.epoch), "step": np.array(at.step)})
        rate = rate_at(progress, at.step, run.config, warm)
        losses.append(trainer.step(batch, rate, counts_alike(progress, run.config)))
        at.step, at.place = at.step + 1, at.place + 1
        if len(losses) % run.log_every == 0:
            log.info("epoch %d step %d loss %.4f", at.epoch, at.step, mean_loss(losses[-run.log_every :]))
        if budget.seconds - saved > run.save_every:
            saved = save(run, trainer, budget, at)
    loss = mean_loss(losses)  # waits for the device, so that the seconds are true
    images = (at.step - first) * run.config.batch / max(budget.seconds - began, 1e-9)
    save(run, trainer, budget, at)
    row = [at.epoch, at.step, round(budget.seconds), frame[0], round(rate, 5), round(loss, 4), round(images, 1)]
    at_end = budget.progress(at.step) >= 1
    validations = validate(run, trainer, source.normaliser, at_end) if at_end or at.epoch % run.eval_every == 0 else []
    record(run.out / "curves.csv", [[*row, *validation] for validation in validations] or [[*row, "", "", ""]])


def mean_loss(losses: list[Any]) -> float:  # Any: scalars of the backend
    """Return the mean of losses; 0 when there are none."""
    return float(np.mean([float(loss) for loss in losses] or [0]))


def save(run: Run, trainer: Trainer, budget: Budget, at: Position) -> float:
    """Write state.npz, from which the run resumes, and return the seconds spent so far."""
    seconds = budget.seconds
    marks = {"seconds": seconds, "precision": trainer.precision, "backend": backend(), **asdict(at), **run.fingerprint}
    save_arrays(run.out / "state.npz", trainer.state() | {name: np.array(mark) for name, mark in marks.items()})
    return seconds


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
    parser.add_argument("--teachers", type=Path, default=FOLDER, help="folder with logits of teachers (default: ml/teachers)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=float, help="length in epochs, the same on any machine (default: the recipe's)")
    length.add_argument("--minutes", type=float, help="length by the wall clock instead")
    parser.add_argument("--batch", type=int, help="faces in a step (default: the recipe's); an accelerator takes 512 and more")
    parser.add_argument("--rate", type=float, help="highest learning rate (default: the recipe's); larger batches bear more")
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

    use_threads(options.threads)
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


def changed(config: Config, options: argparse.Namespace) -> Config:
    """Return the recipe with what the command line changes in it. The run records the changed one."""
    given = {name: value for name in ("batch", "rate") if (value := getattr(options, name)) is not None}
    return replace(config, **given)


def chosen_runs(options: argparse.Namespace, train_faces: FaceSet, validation: FaceSet) -> list[Run]:
    """Return the runs that the command line requests: a run of its own, or stages of the recipe."""
    if not (options.stage or options.to):
        config, length = changed(OWN.config, options), options.epochs or OWN.epochs
        return [Run(config, train_faces, validation, options.out, length, options.minutes)]
    known = frozenset(path.stem for path in options.teachers.glob("*.npz"))
    names = chain(options.to, known) if options.to else [options.stage]
    runs: list[Run] = []
    later = 0.0
    for name in reversed(names):
        run = replace(stage_run(name, options, train_faces, validation), later=later)
        later += work_left(run.config, run.epochs, 0.0, run.stable_checkpoint is not None)
        runs.insert(0, run)
    return runs


def stage_run(name: str, options: argparse.Namespace, train_faces: FaceSet, validation: FaceSet) -> Run:
    """Return the run of one stage, with what it builds on in --out. A teacher whose logits there are is read from them."""
    stage, out = RECIPE[name], options.out
    goes_on_from = (
        out / stage.stable_checkpoint / "stable.npz"
        if stage.stable_checkpoint
        else out / stage.finished / "model.keras"
        if stage.finished
        else None
    )
    files = [options.teachers / f"{teacher}.npz" for teacher in stage.teachers]
    teachers = tuple(file if file.exists() else out / file.stem for file in files)
    config, length = changed(stage.config, options), options.epochs or stage.epochs
    return Run(config, train_faces, validation, out / name, length, options.minutes, goes_on_from, teachers)
