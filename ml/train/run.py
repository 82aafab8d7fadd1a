"""A training run: what it is made of, where it stands, and what tells it from every other."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ml.data import FaceSet, hash_faces
from ml.train.config import Config, recorded_config
from ml.train.schedule import Budget, steps_per_epoch
from ml.train.trainer import Arrays, load_arrays


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
    """Run folders with finished weights, or files of logits."""
    later: float = 0.0
    """Work of the stages that are run after it, as `ml.train.schedule.work_left` counts it."""
    eval_every: int = 6
    log_every: int = 50
    save_every: float = 60.0
    """Seconds after which the state is saved within an epoch; it is always saved at its end."""

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Return recipe, faces and earlier stages as text: a run continues only with the same ones."""
        former = [path for path in (self.stable_checkpoint, *map(file_of, self.teachers)) if path]
        hashes = " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in former)
        return {"recipe": str(self.config), "faces": hash_faces(self.train), "former": hashes}

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of full batches in the training faces."""
        return steps_per_epoch(len(self.train), self.config)


class WrongFingerprint(ValueError):
    """The run folder holds another run: of another recipe, other faces or other earlier stages, or one that must be kept."""


def file_of(teacher: Path) -> Path:
    """Return the file that holds what a teacher knows: its logits, or the finished weights in its run folder."""
    return teacher if teacher.suffix == ".npz" else teacher / "model.keras"


@dataclass
class Position:
    """Where a run stands: in which epoch, how many batches of it are done, and all steps so far."""

    epoch: int = 0
    place: int = 0
    step: int = 0


def position_of(state: Arrays, run: Run) -> Position:
    """Return where a state was saved; one that does not name its place was saved at the end of an epoch."""
    return Position(*(int(state.get(name, run.steps_per_epoch)) for name in ("epoch", "place", "step")))


def state_of(run: Run) -> Arrays:
    """Return the state in the run folder, empty when there is none. Raises WrongFingerprint when it belongs to another run."""
    path = run.out / "state.npz"
    if not path.exists():
        return {}
    state = load_arrays(path)
    is_same = {name: str(state.get(name)) == run.fingerprint[name] for name in ("faces", "former")}
    if not all(is_same.values()) or recorded_config(str(state.get("recipe"))) != run.config:
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
