"""report.json, which holds the measures of a set of weights; and how a command ends when it cannot read its data."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.data import UnreadableData
from ml.serve.onnx_session import WeightsError


def add_to_report(weights: Path, key: str, measures: dict[str, Any]) -> None:  # Any: a JSON object
    """Add measures to report.json under `key`, or replace those there."""
    report = weights / "report.json"
    report.write_text(json.dumps(json.loads(report.read_text()) | {key: measures}, indent=1) + "\n")


def renew_report(weights: Path, measures: dict[str, Any]) -> None:  # Any: likewise
    """Replace what was measured in report.json, and keep what was not.

    Raises WeightsError when the report is of other weights, and for another split: what is kept would not fit.
    """
    path = weights / "report.json"
    report = json.loads(path.read_text())
    for key in ("split", "engine", "weights_sha256"):
        if report[key] != measures[key]:
            raise WeightsError(f"{path} has the {key} {report[key]}, this measurement {measures[key]}")
    measured = {key: found for key, found in measures.items() if found is not None}
    path.write_text(json.dumps(report | measured, indent=1) + "\n")


@contextlib.contextmanager
def tell_unreadable() -> Iterator[None]:
    """End a command with one line and exit status 2 when data or weights cannot be read."""
    try:
        yield
    except (UnreadableData, WeightsError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
