"""One way to open an ONNX file: its hash is checked first, and it runs on one thread."""

import hashlib
from pathlib import Path
from typing import Any


class WeightsError(Exception):
    """The weights are missing, corrupt or do not fit model.json."""


class WeightsMissing(WeightsError):
    """A file of the weights folder is not there."""


class WeightsMismatch(WeightsError):
    """A file's SHA-256 is not the one written down for it: another version, or a damaged copy."""


def read_verified(path: Path, sha256: str) -> bytes:
    """Return the file's bytes. Raises WeightsMissing or WeightsMismatch."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsMissing(f"{path.name} cannot be read from {path.parent}: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsMismatch(f"{path.name} has SHA-256 {found[:12]}..., expected {sha256[:12]}...")
    return content


def open_session(path: Path, sha256: str, threads: int = 1) -> Any:  # Any: onnxruntime ships no type hints
    """Return an inference session on the processor. One thread each: many photos are read side by side by many processes."""
    import onnxruntime

    content = read_verified(path, sha256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # photos differ in size; the arena would keep the largest for good
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
