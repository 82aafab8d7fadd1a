"""The model card: every figure on it is read from the files that training and evaluation wrote."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from django.utils.formats import get_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from ml.serve.expressions import EXPRESSIONS
from patients.formats import decimal, signed

Words = str | Promise
Json = Mapping[str, object]
COVERED = {"covered": 0.8}
"""What share of the faces would be answered, were it to abstain on more than in use."""
SPLITS = gettext_noop("validation"), gettext_noop("test")  # the templates translate the word itself


@dataclass(frozen=True)
class MeasureWords:
    """How one figure of report.json is written. `scale` 100 makes a share a percentage; `beside` names a figure for `compare`."""

    key: str
    name: Words
    compare: Words = ""
    beside: str = ""
    unit: str = " %"
    scale: float = 100
    places: int = 1


MEASURES = (
    MeasureWords("raters.accuracy", _("Accuracy, FER+ raters"), _("one rater against the other nine: 70 %")),
    MeasureWords("fer2013.accuracy", _("Accuracy, FER2013 labels"), _("people: 65 ± 5 %")),
    MeasureWords("raters.macro_f1", _("Macro F1, FER+ raters"), unit="", scale=1, places=3),
    MeasureWords("fer2013.macro_f1", _("Macro F1, FER2013 labels"), unit="", scale=1, places=3),
    MeasureWords("raters.ece", _("Calibration error, 15 bins"), _("before temperature scaling: %s"), "raters.ece_uncalibrated"),
    MeasureWords("raters.ece_classwise", _("Calibration error, all seven shares")),
    MeasureWords("raters.ece_as_cast", _("Calibration error, votes as cast"), _("lone votes counted too; it did not learn those")),
    MeasureWords("raters.ece_classwise_as_cast", _("The same, all seven shares")),
    MeasureWords(
        "raters.log_loss",
        _("Log loss against the votes"),
        _("votes’ own entropy: %s"),
        "raters.log_loss_of_the_votes_themselves",
        unit="",
        scale=1,
        places=3,
    ),
    MeasureWords(
        "raters.named_share.counted", _("Raters who agree with the answer"), _("the model says %s"), "raters.named_share.served"
    ),
    MeasureWords("raters.named_share.of_all_votes", _("The same, of all ten votes"), _("other answers and lone votes counted too")),
    MeasureWords(
        "abstention.accuracy", _("Accuracy where it answers"), _("on %s; the rest: “too close to call”"), "abstention.coverage"
    ),
    MeasureWords("covered", _("Accuracy at 80 % coverage"), _("if it answered fewer")),
    MeasureWords("without_twins.raters.accuracy", _("Accuracy, FER+, no exact twins of training faces")),
    MeasureWords("without_twins.fer2013.accuracy", _("Accuracy, FER2013, no exact twins of training faces")),
    MeasureWords("without_near_twins.raters.accuracy", _("Accuracy, FER+, no near twins either")),
    MeasureWords("without_near_twins.fer2013.accuracy", _("Accuracy, FER2013, no near twins either")),
    MeasureWords("parity.not_found", _("Faces in photos that are not found")),
    MeasureWords("parity.rejected", _("Faces in photos that the quality checks turn down")),
    MeasureWords("parity.kept.raters", _("Accuracy kept on the way through a photo, FER+"), _("of the faces that are read")),
    MeasureWords("parity.kept.fer2013", _("Accuracy kept on the way through a photo, FER2013"), _("of the faces that are read")),
    MeasureWords(
        "rounding.named_alike", _("Faces named as before rounding"), _("what serves counts in 8-bit whole numbers, for speed")
    ),
    MeasureWords("cost.face", _("Time for one face"), _("one processor core; which, see below"), unit=" ms", scale=1),
    MeasureWords("cost.photo_640x480", _("Time for a photo of 640 × 480"), unit=" ms", scale=1, places=0),
    MeasureWords("cost.photo_4000x3000", _("Time for a photo of 4000 × 3000"), unit=" ms", scale=1, places=0),
)
CHANGES: dict[str, Words] = {
    "blur, 1 px": _("blurred by 1 px"),
    "low light, 30 %": _("in 30 % of the light"),
    "JPEG, quality 30": _("JPEG of quality 30"),
    "turned 15 degrees left": _("turned left by 15°"),
    "turned 15 degrees right": _("turned right by 15°"),
    "24 px, enlarged": _("enlarged from 24 px"),
    "lower face covered": _("lower face covered"),
    "rims of glasses": _("with rims of glasses"),
}
"""What ml/measure/robustness.py calls its changes, in words."""
PUBLISHED = (
    (_("People"), "65 ± 5", "70", _("Goodfellow et al. 2013; one rater against the other nine")),
    (_("CNN of a Kaggle notebook, 4.5 M"), "65.2", "", _("best epoch, on a split of its own")),
    ("mini-Xception, 0.06 M", "66", "", ""),
    (_("Separable network, 0.17 M, soft labels"), "68.6", "87.0", _("mean of several; FER+ over eight classes")),
    (_("Tang 2013, winner of the challenge"), "71.2", "", _("PrivateTest")),
    ("VGG-19, ResNet-18", "73.1, 73.0", "", _("ten crops, best epoch on the split reported")),
    ("VGG-8, 29.9 M", "73.28", "", _("ten crops, PublicTest")),
    ("VGG13, 8.75 M, Barsoum et al. 2016", "", "85.0", _("eight classes")),
    (_("Pretrained on ImageNet, 224 px"), "74.1–74.4", "", _("20 to 50 times the arithmetic")),
    (_("Ensembles of seven or eight networks"), "75.2–76.8", "", ""),
)
"""Published systems: name, FER2013 %, FER+ %, protocol."""
FACTS = (
    ("model.version", _("Version")),
    ("report.parameters", _("Parameters")),
    ("report.training.epochs", _("Epochs of the last stage")),
    ("report.training.minutes", _("Minutes of the last stage")),
    ("report.engine", _("Engine that was measured")),
    ("report.cost.processor", _("Processor of the times")),
    ("report.faces.count", _("Faces measured on")),
    ("report.faces.exact_twins_in_train", _("Of these, exact twins of training faces")),
    ("report.faces.near_twins_in_train", _("Of these, exact or near twins of training faces")),
    ("model.temperature", _("Temperature")),
    ("model.abstain_below", _("Too close to call below a largest share of")),
    ("model.keras_sha256", _("Hash of the weights")),
    ("model.onnx_sha256", _("Hash of the rounded weights, which serve")),
    ("model.data_sha256", _("Hash of the training data")),
)


@dataclass(frozen=True)
class Measure:
    """One figure with its 95 % interval, as written."""

    name: Words
    value: str
    interval: str
    compare: str


@dataclass(frozen=True)
class Found:
    """How much of one expression is found among the faces that raters call so."""

    expression: str
    share: float
    faces: int | None


@dataclass(frozen=True)
class Row:
    """One line of a table of shares: what it is about, the accuracy and its interval, as written; and what stands beside it."""

    name: Words
    value: str
    interval: str
    beside: str = ""


@dataclass(frozen=True)
class Figures:
    """The figures of one expression, each as written and with its interval; in how many faces, if that is said."""

    expression: str
    faces: int | None
    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dot:
    """One dot of a plot, in units of its 400 × 400 drawing."""

    x: float
    y: float
    radius: float


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
    def faces(self) -> object:
        """How many faces the figures were measured on."""
        return _at(self.report, "faces.count")

    @property
    def measures(self) -> list[Measure]:
        """The figures in a fixed order; those that the report does not hold are left out."""
        return [row for words in MEASURES for row in self._measure(words)]

    @property
    def found(self) -> list[Found]:
        """The share found of each expression."""
        return list(self._recalls())

    @property
    def calibration(self) -> list[Dot]:
        """The bins of the calibration plot."""
        bins = _at(self.report, "raters.reliability")
        return [_bin(entry) for entry in bins if entry.get("faces")] if isinstance(bins, list) else []

    @property
    def coverage(self) -> list[Row]:
        """The accuracy on the most confident share of the faces, and the share that the named expression has on them."""
        rows = _at(self.report, "raters.coverage")
        rows = rows if isinstance(rows, list) else []
        return [
            Row(f"{100 * row['coverage']:.0f} %", *_written(row["accuracy"]), f"{100 * row['least_probability']:.0f} %")
            for row in rows
        ]

    @property
    def risk_floor(self) -> int:
        """The accuracy in % at which the plot of accuracy over coverage begins: the ten below its lowest dot."""
        return min((int(10 * accuracy) * 10 for _, accuracy in self._risk()), default=0)

    @property
    def risk(self) -> list[Dot]:
        """The dots of that plot."""
        floor = self.risk_floor / 100
        return [_dot(coverage, (accuracy - floor) / (1 - floor), 3) for coverage, accuracy in self._risk()]

    @property
    def robustness(self) -> list[Row]:
        """The accuracies on faces that were changed, most harmful last; the original labels' beside the raters'."""
        found = _at(self.report, "robustness")
        found = found if isinstance(found, Mapping) else {}
        ordered = sorted(((name, row) for name, row in found.items() if row["raters"]), key=lambda row: -row[1]["raters"]["value"])
        return [Row(CHANGES.get(name, str(name)), *_written(row["raters"]), _in_words(row["fer2013"])) for name, row in ordered]

    @property
    def each(self) -> list[Figures]:
        """Recall and precision of each expression: of the raters' majority, then of the original labels."""
        keys = [f"{head}.per_class.{{}}.{figure}" for head in ("raters", "fer2013") for figure in ("recall", "precision")]
        rows = []
        for name in EXPRESSIONS:
            found = [_at(self.report, key.format(name)) for key in keys]
            if any(isinstance(figure, Mapping) for figure in found):
                rows.append(Figures(name, None, tuple(_maybe_written(figure) for figure in found)))
        return rows

    @property
    def explanations(self) -> list[Figures]:
        """How much of the share of each expression goes when brows and eyes, or the mouth, are covered."""
        found = _at(self.report, "explanations.by_expression")
        found = found if isinstance(found, Mapping) else {}
        parts = ("brows", "mouth")
        return [Figures(name, row["faces"], tuple(_maybe_written(row[part]) for part in parts)) for name, row in found.items()]

    @property
    def accuracies(self) -> tuple[str, str]:
        """The accuracies on the original labels and on the raters' majority, in %; empty where they were not measured."""
        found = (_at(self.report, f"{head}.accuracy.value") for head in ("fer2013", "raters"))
        fer2013, raters = (decimal(100 * value, 1) if isinstance(value, float) else "" for value in found)
        return fer2013, raters

    @property
    def confusion(self) -> list[tuple[str, list[int]]]:
        """What raters say, and how often the model names each expression on such faces."""
        rows = _at(self.report, "raters.confusion.rows_are_truth")
        return list(zip(EXPRESSIONS, rows, strict=True)) if isinstance(rows, list) else []

    @property
    def facts(self) -> list[tuple[Words, str]]:
        """The plain facts of training, hashes shortened."""
        files = {"model": self.model, "report": self.report}
        found = ((name, _at(files, key)) for key, name in FACTS)
        return [(name, _fact(value)) for name, value in found if value is not None]

    def _risk(self) -> list[tuple[float, float]]:
        rows = _at(self.report, "raters.risk_curve")
        return [(row["coverage"], row["accuracy"]) for row in rows] if isinstance(rows, list) else []

    def _entry(self, key: str) -> object:
        if key not in COVERED:
            return _at(self.report, key)
        rows = _at(self.report, "raters.coverage")
        rows = rows if isinstance(rows, list) else []
        return next((row["accuracy"] for row in rows if row.get("coverage") == COVERED[key]), None)

    def _measure(self, words: MeasureWords) -> Iterator[Measure]:
        entry = self._entry(words.key)
        if not isinstance(entry, Mapping):
            return
        value, low, high = (_scaled(entry.get(name), words) for name in ("value", "low", "high"))
        beside = _at(self.report, words.beside) if words.beside else None
        compare = str(words.compare)
        if words.beside:
            compare = compare % f"{_scaled(beside.get('value'), words)}{words.unit}" if isinstance(beside, Mapping) else ""
        yield Measure(words.name, f"{value}{words.unit}", gettext("%(low)s to %(high)s") % {"low": low, "high": high}, compare)

    def _recalls(self) -> Iterator[Found]:
        for name in EXPRESSIONS:
            recall, faces = (_at(self.report, f"raters.per_class.{name}.{part}") for part in ("recall.value", "faces"))
            if isinstance(recall, int | float):
                yield Found(name, recall, faces if isinstance(faces, int) else None)


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


def _scaled(value: object, words: MeasureWords) -> str:
    return decimal(value * words.scale, words.places) if isinstance(value, int | float) else "–"


def _bin(entry: Json) -> Dot:
    """Return the dot of a bin; its area grows with its faces."""
    says, share, faces = (float(str(entry[name])) for name in ("confidence", "share", "faces"))
    return _dot(says, share, min(2.5 + 0.12 * sqrt(faces), 7))


def _dot(x: float, y: float, radius: float) -> Dot:
    """Return where shares lie: 348 units for 1, from (40, 360) up and to the right."""
    return Dot(round(40 + 348 * x, 1), round(360 - 348 * y, 1), round(radius, 1))


def _written(figures: Mapping[str, float]) -> tuple[str, str]:
    """Return an accuracy in % and its interval."""
    value, low, high = (signed(100 * figures[name], 1) for name in ("value", "low", "high"))
    return f"{value} %", gettext("%(low)s to %(high)s") % {"low": low, "high": high}


def _in_words(figures: Mapping[str, float] | None) -> str:
    """Return an accuracy in % and its interval in one string."""
    return "{} ({})".format(*_written(figures)) if figures else ""


def _maybe_written(figures: object) -> tuple[str, str]:
    """Return a share in % and its interval, as `_written` does; a dash for one that there is none of."""
    return _written(figures) if isinstance(figures, Mapping) else ("–", "")


def _fact(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}".replace(".", get_format("DECIMAL_SEPARATOR"))
    if isinstance(value, int):
        return number_format(value, force_grouping=True)
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
