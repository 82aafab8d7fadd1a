r"""Measure weights on one split, every figure with its 95 % bootstrap interval. Writes one JSON file.

    python -m ml.measure.evaluate --weights ml/weights --data fer2013.zip \
        --split validation --votes fer2013_ferplus.csv --json out.json

Keys (docs/evaluation.md explains all of them; an estimate is {"value", "low", "high", "n"}):
  protocols                                                          how the parts below count, in words
  fer2013.accuracy, .macro_f1, .log_loss, .ece, .per_class, .confusion  the `fer2013` head against the original labels
  raters.accuracy, .macro_f1, .per_class, .confusion                 the served head against the FER+ majority
  raters.log_loss, .ece, .ece_classwise, .ece_uncalibrated           ... against the raters' vote shares
  raters.ece_as_cast, .ece_classwise_as_cast                         ... against all votes for the seven, single ones too
  raters.named_share                                                 ... and how many raters gave a face the name the model gave it
  raters.barsoum                                                     ... against the majority as Barsoum et al. (2016) count it
  raters.by_agreement                                                ... by how many of ten votes the majority has
  raters.against_labels, fer2013.against_majority                    each head against the other's truth
  raters.reliability, .ece_majority, .coverage, .risk_curve, .left_out, .accuracy_without_ties
  without_twins.fer2013, .raters                                     the same without faces that have an exact twin in train
  without_near_twins.fer2013, .raters                                ... or a near one: another crop or light of one photo
  abstention.coverage, .accuracy                                     share of faces not too close to call; accuracy on them
  robustness                                                         accuracy under blur, dark, ... (with --robustness)
`raters` is null without --votes; `without_twins` and `without_near_twins` are null when the data has no train split.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import (
    FaceSet,
    UnreadableData,
    find_near_twins,
    find_twins,
    hash_faces,
    join_votes,
    load_split,
    rater_majority,
    rater_shares,
    read_votes,
    votes_for_seven,
)
from ml.intervals import Estimate, estimate, mean_of
from ml.measure.calibrate import all_logits
from ml.measure.measures import (
    calibration_error,
    classwise_error,
    coverage_curve,
    cross_entropy,
    named_head,
    reliability,
    risk_curve,
)
from ml.measure.protocols import PROTOCOLS, accuracies, measure_agreements, measure_barsoum, measure_certainty, measure_other_truth
from ml.measure.report import renew_report, tell_unreadable
from ml.measure.robustness import CHANGES, change_faces
from ml.serve.card import ModelCard, load_card
from ml.serve.engines import Engine, EngineName, open_engine, softmax
from ml.serve.expressions import HEADS

COVERAGES = (1.0, 0.9, 0.8, 0.7)

Logits = NDArray[np.float64]


def measure_fer2013(logits: Logits, faces: FaceSet) -> dict[str, Any]:
    """Return the measures of the `fer2013` head, logits (N, 7), against the original labels, and against the majority too."""
    probabilities = softmax(logits)  # (N, 7)
    one_hot = np.eye(probabilities.shape[1])[faces.labels]  # (N, 7)
    named = probabilities.argmax(axis=1)  # (N,)
    return {
        **named_head(faces.labels, probabilities),
        "log_loss": mean_of(cross_entropy(probabilities, one_hot)),
        "ece": measure_certainty(probabilities.max(axis=1), named == faces.labels),
        "against_majority": None if faces.votes is None else measure_other_truth(rater_majority(faces.votes)[0], named),
    }


def measure_raters(logits: Logits, faces: FaceSet, temperature: float) -> dict[str, Any] | None:
    """Return the measures of the served head, logits (N, 7), against FER+; None when there are no votes."""
    if faces.votes is None:
        return None
    majority, tied = rater_majority(faces.votes)  # (N,) each
    known = majority >= 0
    served = softmax(logits / temperature)  # (N, 7)
    named = served.argmax(axis=1)  # (N,)
    truth, probabilities = majority[known], served[known]  # (K,), (K, 7)
    confidence, is_right = probabilities.max(axis=1), named[known] == truth  # (K,) each
    voted = faces.votes.sum(axis=1) > 0  # (N,)
    return {
        **named_head(truth, probabilities),
        "accuracy_without_ties": mean_of(is_right[~tied[known]]),
        "left_out": {"majority_is_none_of_seven": int((voted & ~known).sum()), "without_votes": int((~voted).sum())},
        "barsoum": measure_barsoum(named, faces.votes),
        "by_agreement": measure_agreements(named, served.max(axis=1), faces.votes),
        "against_labels": measure_other_truth(faces.labels, named),
        "coverage": coverage_curve(confidence, is_right, COVERAGES),
        "risk_curve": risk_curve(confidence, is_right),
        "ece_majority": measure_certainty(confidence, is_right),
        **measure_calibration(logits, faces, temperature),
    }


def measure_calibration(logits: Logits, faces: FaceSet, temperature: float) -> dict[str, Any]:
    """Return how close the probabilities are to the raters' vote shares, on faces with usable votes; logits (N, 7)."""
    if faces.votes is None:
        return {}
    counted, usable = rater_shares(faces.votes)  # (N, 7), (N,)
    votes, vote_shares = faces.votes[usable], counted[usable].astype(np.float64)  # (U, 10), (U, 7)
    seven = votes_for_seven(votes)  # (U, 7)
    # As cast: with the votes that only one rater gave, which the network does not learn.
    cast = seven / seven.sum(axis=1, keepdims=True)  # (U, 7)
    served, uncalibrated = softmax(logits[usable] / temperature), softmax(logits[usable])  # (U, 7) each
    named = served.argmax(axis=1)  # (U,)
    top, agreed, cast_agreed = (take_named(named, values) for values in (served, vote_shares, cast))  # (U,) each
    plain_top, plain_agreed = uncalibrated.max(axis=1), take_named(uncalibrated.argmax(axis=1), vote_shares)  # (U,) each

    def ece(confidence: Logits, agreeing: Logits) -> Estimate | None:
        return estimate(lambda chosen: calibration_error(confidence[chosen], agreeing[chosen]), len(agreeing), is_biased=True)

    def classwise(target: Logits) -> Estimate | None:
        return estimate(lambda chosen: classwise_error(served[chosen], target[chosen]), len(target), is_biased=True)

    return {
        "temperature": temperature,
        "ece": ece(top, agreed),
        "ece_classwise": classwise(vote_shares),
        "ece_uncalibrated": ece(plain_top, plain_agreed),
        "ece_as_cast": ece(top, cast_agreed),
        "ece_classwise_as_cast": classwise(cast),
        "log_loss": mean_of(cross_entropy(served, vote_shares)),
        "log_loss_of_the_votes_themselves": mean_of(cross_entropy(vote_shares, vote_shares)),
        "reliability": reliability(top, agreed),
        "named_share": {
            "served": mean_of(top),
            "counted": mean_of(agreed),
            "of_the_seven": mean_of(cast_agreed),
            "of_all_votes": mean_of(take_named(named, seven / votes.sum(axis=1, keepdims=True))),
        },
    }


def take_named(named: NDArray[np.int64], values: Logits) -> Logits:
    """Return for each face the value (N,), of values (N, 7), of the expression `named` (N,)."""
    return np.take_along_axis(values, named[:, np.newaxis], axis=1)[:, 0]  # (N,)


def measure_heads(logits: Logits, faces: FaceSet, temperature: float) -> dict[str, Any]:
    """Return the measures of both heads, logits (2, N, 7)."""
    return {
        "fer2013": measure_fer2013(logits[HEADS.index("fer2013")], faces),
        "raters": measure_raters(logits[HEADS.index("raters")], faces, temperature),
    }


def measure_abstention(logits: Logits, faces: FaceSet, card: ModelCard) -> dict[str, Any] | None:
    """Return the share of faces with a majority that are not too close to call, and the accuracy on them; logits (N, 7).

    None when there are no votes.
    """
    if faces.votes is None:
        return None
    majority, _ = rater_majority(faces.votes)
    probabilities = softmax(logits[majority >= 0] / card.temperature)  # (K, 7)
    is_answered = probabilities.max(axis=1) >= card.abstain_below  # (K,)
    is_right = probabilities.argmax(axis=1) == majority[majority >= 0]  # (K,)
    return {"coverage": mean_of(is_answered), "accuracy": mean_of(is_right[is_answered])}


def measure_robustness(engine: Engine, faces: FaceSet, card: ModelCard) -> dict[str, Any]:
    """Return the accuracy of both heads on faces that were blurred, darkened and so on, by change."""
    return {name: accuracies(all_logits(engine, change_faces(faces, name), card.normaliser), faces) for name in CHANGES}


def evaluate(engine: Engine, card: ModelCard, faces: FaceSet, train: FaceSet | None, robustness: bool = False) -> dict[str, Any]:
    """Return every measure of the weights on these faces, as documented above."""
    logits = all_logits(engine, faces, card.normaliser)  # (2, N, 7)
    twins = None if train is None else find_twins(faces, train)
    near = None if train is None else find_near_twins(faces, train)
    return {
        "model_version": card.version,
        "weights_sha256": engine.sha256,
        "faces": {
            "count": len(faces),
            "sha256": hash_faces(faces),
            "exact_twins_in_train": None if twins is None else int(twins.sum()),
            "near_twins_in_train": None if near is None else int(near.sum()),
        },
        "protocols": PROTOCOLS,
        **measure_heads(logits, faces, card.temperature),
        "without_twins": measure_without(twins, logits, faces, card.temperature),
        "without_near_twins": measure_without(near, logits, faces, card.temperature),
        "abstain_below": card.abstain_below,
        "abstention": measure_abstention(logits[HEADS.index(card.served_head)], faces, card),
        "robustness": measure_robustness(engine, faces, card) if robustness else None,
    }


def measure_without(
    left_out: NDArray[np.bool_] | None, logits: Logits, faces: FaceSet, temperature: float
) -> dict[str, Any] | None:
    """Return the measures of both heads without the faces `left_out` (N,); None when it is None or no face remains."""
    if left_out is None or left_out.all():
        return None
    return measure_heads(logits[:, ~left_out], faces.where(~left_out), temperature)


def summary(report: dict[str, Any]) -> str:
    """Return the protocols and the main measures as lines of text."""
    lines = [f"{part}: {said}" for part, said in PROTOCOLS.items()]
    for part, where in (
        ("all faces", report),
        ("without twins", report["without_twins"]),
        ("without near twins", report["without_near_twins"]),
    ):
        for head in HEADS:
            figures = where and where[head]
            chosen = {name: figures.get(name) for name in ("accuracy", "macro_f1", "ece", "ece_classwise")} if figures else {}
            if figures and "barsoum" in figures:
                chosen["barsoum.accuracy"] = figures["barsoum"]["accuracy"]
            for name, figure in chosen.items():
                if figure:
                    lines.append("{}: {}.{} {value:.4f} [{low:.4f}, {high:.4f}] n={n}".format(part, head, name, **figure))
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="folder with model.json, or the weights file in it to measure")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--split", default="validation", help="train, validation or test")
    parser.add_argument("--votes", type=Path, help="FER+ votes")
    parser.add_argument("--train", type=Path, help="where the train split is, if not in --data; to find twins")
    parser.add_argument(
        "--engine", choices=("onnx", "keras"), help="default: the engine of the weights file, or onnx, which serves"
    )
    parser.add_argument("--robustness", action="store_true", help="measure changed faces too (eight times the work)")
    written = parser.add_mutually_exclusive_group()
    written.add_argument("--json", type=Path, help="file to write; else the JSON goes to standard output")
    written.add_argument("--renew", action="store_true", help="replace what is measured here in the report.json of the weights")
    return parser.parse_args()


@tell_unreadable()
def main() -> int:
    """Measure as the command line says. Returns the exit status."""
    options = parse()
    weights = options.weights if options.weights.is_dir() else options.weights.parent
    engine: EngineName = options.engine or ("keras" if options.weights.suffix == ".keras" else "onnx")
    card = load_card(weights)
    faces = load_split(options.data, options.split)
    if options.votes:
        faces = join_votes(faces, read_votes(options.votes))
    try:
        train = None if options.split == "train" else load_split(options.train or options.data, "train")
    except UnreadableData:
        train = None
    measures = evaluate(open_engine(engine, weights, card), card, faces, train, options.robustness)
    report = {"split": options.split, "engine": engine, **measures}
    written = json.dumps(report, indent=1)
    if options.renew:
        renew_report(weights, report)
        sys.stdout.write(summary(report) + "\n")
    elif options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(written + "\n")
        sys.stdout.write(summary(report) + "\n")
    else:
        sys.stdout.write(written + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
