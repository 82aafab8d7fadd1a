"""The model card: everything on it is read from the files that training and evaluation wrote."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ml.expressions import EXPRESSIONS

Words = str | Promise
Json = Mapping[str, object]


@dataclass(frozen=True)
class MeasureWords:
    """How one figure of report.json is written. `scale` 100 makes a share a percentage."""

    key: str
    name: Words
    compare: Words = ""
    unit: str = " %"
    scale: float = 100
    places: int = 1


MEASURES = (
    MeasureWords("raters.accuracy", _("Accuracy, FER+ raters"), _("one rater against the other nine: 70 %")),
    MeasureWords("fer2013.accuracy", _("Accuracy, FER2013 labels"), _("people: 65 ± 5 %")),
    MeasureWords("raters.macro_f1", _("Macro F1, FER+ raters"), unit="", scale=1, places=3),
    MeasureWords("fer2013.macro_f1", _("Macro F1, FER2013 labels"), unit="", scale=1, places=3),
    MeasureWords("raters.ece", _("Calibration error, 15 bins")),
    MeasureWords("raters.log_loss", _("Log loss against the votes"), unit="", scale=1, places=3),
)


@dataclass(frozen=True)
class Measure:
    """One figure with its 95 % interval, as written."""

    name: Words
    value: str
    interval: str
    compare: Words


@dataclass(frozen=True)
class Found:
    """How much of one expression is found among the faces that raters call so."""

    expression: str
    share: float
    faces: int | None


@dataclass(frozen=True)
class ModelCard:
    """What the files say. Parts that they do not hold are empty."""

    model: Json
    report: Json

    @property
    def version(self) -> str:
        """The version of the weights."""
        return str(self.model.get("version", ""))

    @property
    def split(self) -> str:
        """Which faces the figures were measured on."""
        return str(self.report.get("split", ""))

    @property
    def faces(self) -> int | None:
        """How many faces the figures were measured on."""
        found = _at(self.report, "raters.n") or _at(self.report, "n") or _at(self.report, "images")
        return found if isinstance(found, int) else None

    @property
    def measures(self) -> list[Measure]:
        """The figures in a fixed order; those that the report does not hold are left out."""
        return [row for words in MEASURES for row in _measure(words, _at(self.report, words.key))]

    @property
    def found(self) -> list[Found]:
        """The share found of each expression."""
        recalls = _at(self.report, "raters.recall") or _at(self.report, "raters.per_class")
        return list(_recalls(recalls)) if isinstance(recalls, Mapping) else []

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The plain facts of model.json, in its own words."""
        plain = ((name, value) for name, value in self.model.items() if isinstance(value, str | int | float))
        return [(name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value)) for name, value in plain]


def read_model_card(weights: Path) -> ModelCard:
    """Return what model.json and report.json in `weights` say; empty parts for files that are not there."""
    return ModelCard(_read(weights / "model.json"), _read(weights / "report.json"))


def _read(path: Path) -> Json:
    if not path.exists():
        return {}
    content = json.loads(path.read_text())
    return content if isinstance(content, dict) else {}


def _at(report: object, dotted: str) -> object:
    for name in dotted.split("."):
        report = report.get(name) if isinstance(report, Mapping) else None
    return report


def _number(entry: object) -> tuple[float, float | None, float | None] | None:
    """Return value, low and high of a figure, whether it is bare or an object with its interval."""
    if isinstance(entry, int | float):
        return float(entry), None, None
    if not isinstance(entry, Mapping) or not isinstance(entry.get("value"), int | float):
        return None
    ends = entry.get("interval") or entry.get("ci95") or (entry.get("low"), entry.get("high"))
    low, high = ends if isinstance(ends, list | tuple) and len(ends) == 2 else (None, None)
    return float(entry["value"]), low, high


def _measure(words: MeasureWords, entry: object) -> Iterator[Measure]:
    number = _number(entry)
    if number is None:
        return
    value, low, high = (None if each is None else f"{each * words.scale:.{words.places}f}" for each in number)
    interval = f"{low} – {high}" if low is not None and high is not None else "–"
    yield Measure(words.name, f"{value}{words.unit}", interval, words.compare)


def _recalls(recalls: Json) -> Iterator[Found]:
    for name in EXPRESSIONS:
        entry = recalls.get(name)
        number = _number(entry.get("recall", entry) if isinstance(entry, Mapping) else entry)
        faces = entry.get("n", entry.get("support")) if isinstance(entry, Mapping) else None
        if number is not None:
            yield Found(name, number[0], faces if isinstance(faces, int) else None)
