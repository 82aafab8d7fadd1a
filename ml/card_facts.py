"""The facts of the model card, from model.json, report.json and fairness.json of a set of weights.

They are read here and shown twice: as Markdown by ml.measure.document, on a page by patients.readings.model_card. Facts that a file
lacks are None or empty. docs/evaluation.md explains each key.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .serve.expressions import EXPRESSIONS

Json = Mapping[str, Any]  # Any: JSON
Scalar = str | int | float


@dataclass(frozen=True)
class Estimate:
    """A measured value, its 95 % bootstrap interval and, where it is known, how many faces or pairs it comes from."""

    value: float
    low: float
    high: float
    n: int | None = None


@dataclass(frozen=True)
class ClassScores:
    """How well one expression is recognised, judged by one set of labels."""

    faces: int | None = None
    recall: Estimate | None = None
    precision: Estimate | None = None


@dataclass(frozen=True)
class ExpressionScores:
    """How well one expression is recognised, judged by the FER+ majority and by the FER2013 labels."""

    expression: str
    raters: ClassScores
    fer2013: ClassScores

    @property
    def figures(self) -> tuple[Estimate | None, ...]:
        """Recall and precision judged by the majority, then both judged by the labels."""
        return self.raters.recall, self.raters.precision, self.fer2013.recall, self.fer2013.precision


@dataclass(frozen=True)
class Coverage:
    """The accuracy on the most confident faces, and the least probability that the named expression has on them."""

    coverage: float
    accuracy: Estimate
    least_probability: float


@dataclass(frozen=True)
class RiskPoint:
    """The accuracy on the most confident faces, without its interval."""

    coverage: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationBin:
    """The mean probability of the named expression in one bin, and the share of raters who agree."""

    faces: int
    confidence: float
    share: float


@dataclass(frozen=True)
class Agreement:
    """The accuracy and mean named probability on faces on which so many of ten raters agree."""

    raters: str
    accuracy: Estimate | None
    named_probability: Estimate | None


@dataclass(frozen=True)
class Robustness:
    """The accuracy on faces that were changed in one way."""

    change: str
    raters: Estimate | None
    fer2013: Estimate | None


@dataclass(frozen=True)
class Explanation:
    """How much the probability of an expression drops when a part of the face is covered."""

    expression: str
    faces: int
    brows: Estimate | None
    mouth: Estimate | None

    @property
    def figures(self) -> tuple[Estimate | None, ...]:
        """The drop when brows and eyes are covered, and when the mouth is."""
        return self.brows, self.mouth


@dataclass(frozen=True)
class Comparison:
    """How the probabilities of rendered faces differ that differ in one parameter."""

    name: str
    moved: Estimate
    renamed: Estimate
    intended: Estimate
    is_beyond_noise: bool


@dataclass(frozen=True)
class Fairness:
    """The comparisons of counterfactual pairs of rendered faces: changes of appearance, and the noise to compare them with."""

    pictures: int
    meshes: int
    comparisons: tuple[Comparison, ...]
    noise: tuple[Comparison, ...]


@dataclass(frozen=True)
class CardFacts:
    """All facts of the card. `scalars` and `estimates` have dotted keys: `model.version`, `report.raters.accuracy`."""

    version: str
    split: str
    faces: int | None
    scalars: Mapping[str, Scalar]
    estimates: Mapping[str, Estimate | None]
    measured_parts: frozenset[str]
    scores: tuple[ExpressionScores, ...]
    confusion: tuple[tuple[str, list[int]], ...]
    coverage: tuple[Coverage, ...]
    risk_curve: tuple[RiskPoint, ...]
    calibration: tuple[CalibrationBin, ...]
    agreements: tuple[Agreement, ...]
    robustness: tuple[Robustness, ...]
    explanations: tuple[Explanation, ...]
    fairness: Fairness | None

    @property
    def risk_floor(self) -> float:
        """The accuracy at which the plot of the risk curve begins: the tenth below its lowest point."""
        return int(10 * min((point.accuracy for point in self.risk_curve), default=0)) / 10


def read_card_facts(weights: Path) -> CardFacts:
    """Return the facts that the files in `weights` hold. Files may be missing."""
    return card_facts(*(_read(weights / name) for name in ("model.json", "report.json", "fairness.json")))


def card_facts(model: Json, report: Json, fairness: Json) -> CardFacts:
    """Return the facts in the contents of the three files. Fairness that was measured on other weights is left out."""
    report = with_estimates(report)
    leaves = dict(_leaves({"model": model, "report": report}))
    estimates = {key: leaf for key, leaf in leaves.items() if leaf is None or isinstance(leaf, Estimate)}
    raters, maps = report.get("raters") or {}, report.get("explanations") or {}
    coverage = tuple(Coverage(**row) for row in raters.get("coverage", ()))
    confusion = raters.get("confusion", {}).get("rows_are_truth", ())
    is_of_these = fairness.get("weights_sha256") == model.get("onnx_sha256")
    return CardFacts(
        version=str(model.get("version", "")),
        split=str(report.get("split", "")),
        faces=report.get("faces", {}).get("count"),
        scalars={key: leaf for key, leaf in leaves.items() if isinstance(leaf, Scalar)},
        estimates=estimates | {f"report.raters.coverage.{row.coverage:g}": row.accuracy for row in coverage},
        measured_parts=frozenset(name for name, part in report.items() if part),
        scores=tuple(each for name in EXPRESSIONS if any((each := _scores(report, name)).figures)),
        confusion=tuple(zip(EXPRESSIONS, confusion, strict=True)) if confusion else (),
        coverage=coverage,
        risk_curve=tuple(RiskPoint(**row) for row in raters.get("risk_curve", ())),
        calibration=tuple(CalibrationBin(**row) for row in raters.get("reliability", ()) if row["faces"]),
        agreements=tuple(Agreement(name, **row) for name, row in raters.get("by_agreement", {}).items()),
        robustness=tuple(Robustness(name, **row) for name, row in (report.get("robustness") or {}).items()),
        explanations=tuple(Explanation(name, **row) for name, row in maps.get("by_expression", {}).items()),
        fairness=_fairness(with_estimates(fairness)) if fairness and is_of_these else None,
    )


def with_estimates(part: Any) -> Any:  # Any: JSON in; out, the same with typed estimates
    """Return the JSON with every estimate in it as an Estimate."""
    if isinstance(part, list):
        return [with_estimates(inner) for inner in part]
    if not isinstance(part, Mapping):
        return part
    if {"value", "low", "high"} <= part.keys():
        return Estimate(**part)
    return {name: with_estimates(inner) for name, inner in part.items()}


def _read(path: Path) -> Json:
    content = json.loads(path.read_text()) if path.exists() else {}
    return content if isinstance(content, dict) else {}


def _leaves(part: Json, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, inner in part.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner


def _scores(report: Json, expression: str) -> ExpressionScores:
    by_head = (report.get(head, {}).get("per_class", {}).get(expression, {}) for head in ("raters", "fer2013"))
    return ExpressionScores(
        expression, *(ClassScores(each.get("faces"), each.get("recall"), each.get("precision")) for each in by_head)
    )


def _fairness(report: Json) -> Fairness:
    return Fairness(report["read"], report["meshes"], _comparisons(report["comparisons"]), _comparisons(report["noise"]))


def _comparisons(rows: Json) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(name, row["moved"], row["renamed"], row["intended"], bool(row.get("beyond_noise"))) for name, row in rows.items()
    )
