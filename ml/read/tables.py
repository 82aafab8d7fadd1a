"""Readings as text: CSV with one row per face, JSON lines with one object per photo, or sentences."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..card_facts import read_card_facts
from ..cells import decimal_text, safe_text
from ..serve.card import load_card
from ..serve.detector import DETECTOR_SHA256
from ..serve.expressions import EXPRESSIONS
from .faces import FaceReading, PhotoReading

Cell = str | int | float | bool | None
Value = Callable[[PhotoReading, FaceReading | None], Cell]


@dataclass(frozen=True)
class Column:
    """One column of the CSV. `on_server`: the photo table of the server has it too, with the same meaning."""

    name: str
    value: Value
    on_server: bool = True


def _of_photo(name: str) -> Value:
    return lambda photo, face: getattr(photo, name)


def _if_done(name: str) -> Value:
    return lambda photo, face: getattr(face, name) if face and face.state == "done" else None


def _share(name: str) -> Value:
    return lambda photo, face: face.probabilities[name] if face and face.probabilities else None


def _side(name: str) -> Value:
    return lambda photo, face: round(getattr(face.box, name)) if face else None


def _taken_at(photo: PhotoReading, face: FaceReading | None) -> Cell:
    return photo.taken_at.isoformat(timespec="seconds") if photo.taken_at else None


def _faces_found(photo: PhotoReading, face: FaceReading | None) -> Cell:
    return None if photo.state == "failed" else len(photo.faces)


COLUMNS = (
    Column("file", _of_photo("file"), on_server=False),
    Column("face", lambda p, f: f.number if f else None, on_server=False),
    Column("taken_at", _taken_at),
    Column("width", _of_photo("width")),
    Column("height", _of_photo("height")),
    Column("state", lambda p, f: f.state if f else p.state),
    Column("reason", lambda p, f: f.reason if f else p.reason),
    Column("too_close_to_call", _if_done("too_close_to_call")),
    Column("faces_found", _faces_found),
    Column("detector_score", _if_done("detector_score")),
    *(Column(name, _share(name)) for name in EXPRESSIONS),
    Column("valence_index", _if_done("valence_index")),
    Column("model_version", _of_photo("model_version")),
    Column("face_left", _side("left"), on_server=False),
    Column("face_top", _side("top"), on_server=False),
    Column("face_width", _side("width"), on_server=False),
    Column("face_height", _side("height"), on_server=False),
    Column("sha256", _of_photo("sha256"), on_server=False),
    Column("face_choice", _of_photo("face_choice"), on_server=False),
)
"""Those of the server are in its order. docs/researchers.md explains the others."""


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return decimal_text(cell)
    return safe_text(cell) if isinstance(cell, str) else str(cell)


def _line(cells: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


class CsvTable:
    """RFC 4180, UTF-8: one row per face that was read, or one for a photo without any."""

    header = _line([column.name for column in COLUMNS])

    def rows(self, photo: PhotoReading) -> str:
        """Return the rows of one photo."""
        return "".join(_line([_cell(column.value(photo, face)) for column in COLUMNS]) for face in photo.faces_read or (None,))

    def name_of(self, file: str) -> str:
        """Return the name as its cell holds it."""
        return safe_text(file)


class JsonLines:
    """One JSON object per photo, with all its faces, and the model's facts in each."""

    header = ""

    def __init__(self, weights: Path) -> None:
        self.model = model_facts(weights)

    def rows(self, photo: PhotoReading) -> str:
        """Return the line of one photo."""
        line = asdict(photo) | {
            "taken_at": photo.taken_at and photo.taken_at.isoformat(),
            "faces_found": _faces_found(photo, None),
            "model": self.model,
        }
        del line["model_version"]
        return json.dumps(line, ensure_ascii=False) + "\n"

    def name_of(self, file: str) -> str:
        """Return the name."""
        return file


class Sentences:
    """For people: one line per face."""

    header = ""

    def rows(self, photo: PhotoReading) -> str:
        """Return the lines of one photo."""
        return "".join(f"{photo.file}: {_sentence(photo, face)}\n" for face in photo.faces_read or (None,))

    def name_of(self, file: str) -> str:
        """Return the name."""
        return file


Table = CsvTable | JsonLines | Sentences


def _sentence(photo: PhotoReading, face: FaceReading | None) -> str:
    if face is None:
        return {
            "failed": f"cannot be read ({photo.reason})",
            "choose_face": f"{len(photo.faces)} faces of a similar size; choose with --face",
            "no_face": "fewer faces than that" if photo.faces else "no face was found",
        }[photo.state]
    number = f"face {face.number} of {len(photo.faces)}: " if len(photo.faces) > 1 else ""
    if face.probabilities is None:
        failed = next(check for check in face.quality if not check.passed)
        return f"{number}not read, {failed.name} {failed.measured:g} (limit {failed.limit:g})"
    ranked = sorted(face.probabilities.items(), key=lambda pair: -pair[1])
    named = ", ".join(f"{name} {share:.0%}" for name, share in ranked if share >= 0.05)
    return number + named + (" (too close to call)" if face.too_close_to_call else "")


def model_facts(weights: Path) -> Mapping[str, Any]:  # Any: JSON
    """Return which weights read, and how far to trust them: estimates on the validation faces, with 95 % bootstrap intervals.

    An estimate is None where the weights have no report. Raises WeightsError.
    """
    card, facts = load_card(weights), read_card_facts(weights)
    measured = {
        "accuracy": "report.raters.accuracy",
        "calibration_error": "report.raters.ece",
        "share_called": "report.abstention.coverage",
        "accuracy_when_called": "report.abstention.accuracy",
    }
    estimates = {name: facts.estimates.get(key) for name, key in measured.items()}
    return {
        "version": card.version,
        "sha256": card.onnx_sha256,
        "detector_sha256": DETECTOR_SHA256,
        "temperature": card.temperature,
        "too_close_below": card.abstain_below,
        **{name: estimate and asdict(estimate) for name, estimate in estimates.items()},
    }
