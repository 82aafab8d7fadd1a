"""A network in training: its weights, momentum and moving average, and the step that updates them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.serve.expressions import INPUT_SIDE
from ml.serve.preprocess import Normaliser, Pixels
from ml.train.augment import Batch
from ml.train.backends import compile_answer, compile_step, has_accelerator, set_seed
from ml.train.config import Config
from ml.train.model import build_model
from ml.train.norm import fused_norm

Arrays = dict[str, NDArray[Any]]

PROCESSOR = Path("/proc/cpuinfo")


def multiplies_bfloat16(processor: Path = PROCESSOR) -> bool:
    """Whether this CPU has bfloat16 instructions (AVX-512, AMX or Arm); False where /proc/cpuinfo is missing, as on macOS."""
    try:
        flags = set(processor.read_text().split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


class Trainer:
    """The network and everything that a step updates. `state` holds all of it, so that a run resumes where it stopped."""

    def __init__(self, config: Config) -> None:
        import keras

        set_seed(config.seed)
        self.config = config
        usual = keras.config.dtype_policy()
        self.precision = config.precision if has_accelerator() or multiplies_bfloat16() else "float32"
        keras.config.set_dtype_policy(self.precision)
        self.model = build_model(config, side=None, norm=fused_norm())
        keras.config.set_dtype_policy(usual)
        self.trained = self.model.trainable_variables
        values = [np.asarray(variable) for variable in self.trained]
        self.velocity = [keras.Variable(np.zeros_like(value), trainable=False, dtype="float32") for value in values]
        self.averaged = [keras.Variable(value, trainable=False, dtype="float32") for value in values]
        self.counted = 0
        """How many steps have entered the average with equal weight."""
        self._step = compile_step(self.model, self.velocity, self.averaged, config)

    def step(self, batch: Batch, rate: float, alike: bool = False) -> Any:  # Any: a scalar of the backend
        """Update the weights with one batch and return its loss, which float() waits for.

        The batch: z-scored faces (B, side, side, 1); raters' vote shares (B, 7), all zero for a face without votes; smoothed labels
        (B, 7). With `alike` the new weights enter the average with the same weight as those of every other such step.
        """
        kept = self.counted / (self.counted + 1) if alike else self.config.average
        self.counted += alike
        return self._step(batch, np.float32(rate), np.float32(kept))

    def state(self) -> Arrays:
        """Return everything that a step updates, by name."""
        arrays = {f"weights/{name_of(variable)}": np.asarray(variable) for variable in self.model.variables}
        arrays["counted"] = np.array(self.counted)
        for kind, variables in (("velocity", self.velocity), ("averaged", self.averaged)):
            arrays |= {f"{kind}/{name_of(of)}": np.asarray(variable) for of, variable in zip(self.trained, variables, strict=True)}
        return arrays

    def restore(self, state: Arrays) -> None:
        """Load weights, momentum and average from `state`. Raises KeyError when it belongs to another network."""
        self.counted = int(state.get("counted", 0))
        for variable in self.model.variables:
            variable.assign(state[f"weights/{name_of(variable)}"])
        for kind, variables in (("velocity", self.velocity), ("averaged", self.averaged)):
            for of, variable in zip(self.trained, variables, strict=True):
                variable.assign(state[f"{kind}/{name_of(of)}"])

    def grow_from(self, state: Arrays) -> None:
        """Load the state of a network with fewer residual pairs; the new pairs add nothing at first (Net2Net, Chen et al. 2016).

        Raises KeyError when something else than residual pairs is missing.
        """
        own = self.state() | {"counted": np.array(0)}
        state = {name: array for name, array in state.items() if name != "counted"}
        added = own.keys() - state.keys() - {"counted"}
        if missing := [name for name in added if "_pair" not in name]:
            raise KeyError(f"not of a network with fewer residual pairs: {min(missing)} is missing")
        # A pair ends in a batch norm: with its scale at zero, the pair adds nothing.
        silent = {name: np.zeros_like(own[name]) for name in added if name.endswith("b_norm/gamma")}
        self.restore(own | silent | state)

    def grow_from_finished(self, path: Path) -> None:
        """Load the finished weights in a .keras file, without momentum. Grows and raises as `grow_from` does."""
        import keras

        weights = {name_of(variable): np.asarray(variable) for variable in keras.models.load_model(path, compile=False).variables}
        state = {f"{kind}/{name}": array for kind in ("weights", "averaged") for name, array in weights.items()}
        self.grow_from(state | {f"velocity/{name}": np.zeros_like(array) for name, array in weights.items()})


def averages(state: Arrays) -> Arrays:
    """Return only the moving averages in `state`."""
    return {name: array for name, array in state.items() if name.startswith("averaged/")}


def name_of(variable: Any) -> str:  # Any: a Keras variable
    """Return the path of a variable, without the number that Keras adds to each further seed generator in a process."""
    return re.sub(r"^seed_generator_\d+/", "seed_generator/", str(variable.path))


def finished_model(config: Config, state: Arrays, faces: Pixels, normaliser: Normaliser, batches: int, average: bool = True) -> Any:
    """Return the network for 48x48 faces with averaged (or raw) weights and new batch-norm statistics.

    The statistics are cumulative means over `batches` batches of training faces (N, 48, 48) without augmentation, drawn with the
    config's seed. Averaged weights need them: the running statistics belong to the raw weights.
    """
    from keras import ops

    model = build_model(config, side=INPUT_SIDE)
    for variable in model.variables:
        variable.assign(state[f"weights/{name_of(variable)}"])
    if average:
        for variable in model.trainable_variables:
            variable.assign(state[f"averaged/{name_of(variable)}"])
    norms = [layer for layer in model.layers if layer.name.endswith("_norm")]
    usual = [layer.momentum for layer in norms]
    rng = np.random.default_rng((config.seed, 1))
    for number in range(batches):
        for layer in norms:
            layer.momentum = number / (number + 1)  # makes the moving mean a cumulative one
        batch = faces[np.sort(rng.choice(len(faces), min(config.batch, len(faces)), replace=False))]  # (B, 48, 48)
        model(ops.convert_to_tensor(normaliser.apply(batch)), training=True)
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum
    return model


def logits_of(model: Any, faces: Pixels, normaliser: Normaliser, batch: int = 256) -> NDArray[np.float64]:
    """Return logits (2, N, 7), heads in the order of HEADS, of faces (N, 48, 48): the mean of each face and its mirror image."""
    answer = compile_answer(model)
    parts = []
    for start in range(0, len(faces), batch):
        inputs = normaliser.apply(faces[start : start + batch])  # (B, 48, 48, 1)
        parts.append((np.stack(answer(inputs)) + np.stack(answer(inputs[:, :, ::-1].copy()))) / 2)  # (2, B, 7)
    return np.concatenate(parts, axis=1).astype(np.float64)  # (2, N, 7)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write the arrays to an .npz file. The file is replaced at once, so that a crash leaves the former one."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own keyword
    part.replace(path)


def load_arrays(path: Path) -> Arrays:
    """Return arrays written by `save_arrays`."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
