"""Two ways to run the same weights: ONNX Runtime, which serves, and Keras, from whose file the ONNX file is derived."""

import io
import zipfile
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .card import ModelCard
from .expressions import HEADS
from .onnx_session import WeightsError, open_session, read_verified

EngineName = Literal["onnx", "keras"]


class Engine(Protocol):
    """Runs the network."""

    sha256: str
    """SHA-256 of the weights file, in hex."""

    def logits(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 logits (2, N, 7), heads in the order of HEADS, for z-scored faces (N, 48, 48, 1)."""


class OnnxEngine:
    """model.onnx on ONNX Runtime, one thread. Loads no TensorFlow."""

    def __init__(self, weights: Path, card: ModelCard) -> None:
        self.sha256 = card.onnx_sha256
        try:
            self.session = open_session(weights / "model.onnx", card.onnx_sha256)
        except (ImportError, WeightsError):
            raise
        except Exception as error:  # the runtime's own exceptions share no base class
            raise WeightsError(f"model.onnx cannot be opened: {error}") from error

    def logits(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits (2, N, 7) for z-scored faces (N, 48, 48, 1)."""
        return np.stack(self.session.run(list(HEADS), {"image": faces}))  # (2, N, 7)


class KerasEngine:
    """model.keras on TensorFlow."""

    def __init__(self, weights: Path, card: ModelCard) -> None:
        self.sha256 = card.keras_sha256
        content = read_verified(weights / "model.keras", card.keras_sha256)
        try:
            self.model = load_keras(weights / "model.keras", content)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise WeightsError(f"model.keras cannot be opened: {error}") from error

    def logits(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits (2, N, 7) for z-scored faces (N, 48, 48, 1)."""
        return np.stack([np.asarray(head) for head in self.model(faces, training=False)])  # (2, N, 7)


def load_keras(path: Path, content: bytes) -> Any:  # Any: Keras ships no type hints
    """Return the Keras model in a .keras file, whose bytes are `content`. Runs no code from the file.

    Raises ValueError when it is not a zip file, as every .keras file is, and WeightsError where Keras is not installed.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError("it is not a .keras file")
    try:
        import keras
    except ImportError as error:
        raise WeightsError("Keras is not installed. In a checkout, `make .venv/keras` installs it") from error

    return keras.models.load_model(path, compile=False, safe_mode=True)


def open_engine(name: EngineName, weights: Path, card: ModelCard) -> Engine:
    """Return the named engine with these weights.

    Raises WeightsMissing, WeightsMismatch or WeightsError, and ValueError for an unknown name.
    """
    if name == "onnx":
        return OnnxEngine(weights, card)
    if name == "keras":
        return KerasEngine(weights, card)
    raise ValueError(f"no engine is called {name!r}; there are onnx and keras")


def mirrored_logits(engine: Engine, faces: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return logits (2, N, 7) of z-scored faces (N, 48, 48, 1), the mean of each face and its mirror image."""
    both = engine.logits(np.concatenate([faces, faces[:, :, ::-1]])).astype(np.float64)  # (2, 2N, 7)
    mean: NDArray[np.float64] = (both[:, : len(faces)] + both[:, len(faces) :]) / 2  # (2, N, 7)
    return mean


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities (..., C), which sum to 1 along the last axis, of logits (..., C)."""
    # Without the largest logit, exp overflows.
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))  # (..., C)
    probabilities: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)  # (..., C)
    return probabilities
