"""Opens ONNX files: the hash is checked first, and sessions run on one thread."""

import hashlib
from pathlib import Path
from typing import Any


class WeightsError(Exception):
    """The weights are missing, corrupt or do not fit model.json."""


class WeightsMissing(WeightsError):
    """A file of the weights folder is not there."""


class WeightsMismatch(WeightsError):
    """A file's SHA-256 differs from the expected one: another version, or a damaged copy."""


def read_verified(path: Path, sha256: str) -> bytes:
    """Return the file's bytes once its SHA-256 (hex) is checked. Raises WeightsMissing or WeightsMismatch."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsMissing(f"{path.name} cannot be read from {path.parent}: {error.strerror}") from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise WeightsMismatch(f"{path.name} has SHA-256 {actual[:12]}..., expected {sha256[:12]}...")
    return content


def open_session(path: Path, sha256: str, threads: int = 1) -> Any:  # Any: onnxruntime ships no type hints
    """Return an inference session on the CPU.

    One thread each, because several worker processes read photos in parallel. Raises WeightsMissing or WeightsMismatch.
    """
    import onnxruntime

    content = read_verified(path, sha256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # The arena keeps its memory: fetching 100 MB from the system for each photo anew took a third of a reading. Patterns, one for
    # each size of a photo, would have it grow with every new size.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
