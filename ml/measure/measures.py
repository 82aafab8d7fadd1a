"""Measures of predictions against labels and votes, each with its 95 % bootstrap interval."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.intervals import Floats, Indices, estimate, mean_of
from ml.serve.expressions import EXPRESSIONS

CLASSES = len(EXPRESSIONS)
BINS = 15


def confusion(truth: Indices, named: Indices) -> Indices:
    """Return counts (7, 7) of labels (N,): rows are the truth, columns the named expression."""
    return np.bincount(truth * CLASSES + named, minlength=CLASSES**2).reshape(CLASSES, CLASSES)  # (7, 7)


def macro_f1(truth: Indices, named: Indices) -> float:
    """Return the mean F1, in [0, 1], of the classes that occur in the truth (N,)."""
    counts = confusion(truth, named)  # (7, 7)
    both = counts.sum(axis=0) + counts.sum(axis=1)  # (7,)
    occurs = counts.sum(axis=1) > 0
    return float((2 * counts.diagonal() / np.maximum(both, 1))[occurs].mean())


def calibration_error(confidence: Floats, agreement: Floats | NDArray[np.bool_]) -> float:
    """Return the expected calibration error: the mean gap of both (N,) over 15 equal bins of confidence, weighted by faces."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)  # (N,)
    gaps = np.bincount(bins, weights=confidence - agreement, minlength=BINS)  # (15,)
    return float(np.abs(gaps).sum() / len(confidence))


def classwise_error(probabilities: Floats, vote_shares: Floats) -> float:
    """Return the mean calibration error of the seven expressions, each taken on all faces; both (N, 7).

    Nixon et al. (2019), with equal bins: the largest probability may be calibrated while the others are not.
    """
    return float(np.mean([calibration_error(probabilities[:, index], vote_shares[:, index]) for index in range(CLASSES)]))


def risk_curve(confidence: Floats, is_right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return the accuracy on the most confident 5, 10, ... 100 % of the faces."""
    ordered = is_right[np.argsort(-confidence, kind="stable")]  # (N,)
    kept = [(percent / 100, max(1, round(percent / 100 * len(ordered)))) for percent in range(5, 101, 5)]
    return [{"coverage": coverage, "accuracy": round(float(ordered[:count].mean()), 4)} for coverage, count in kept]


def reliability(confidence: Floats, agreement: Floats) -> list[dict[str, float | int]]:
    """Return each non-empty bin: its number of faces, their mean confidence, and the mean share of raters who agree."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "faces": int((bins == place).sum()),
            "confidence": round(float(confidence[bins == place].mean()), 4),
            "share": round(float(agreement[bins == place].mean()), 4),
        }
        for place in range(BINS)
        if (bins == place).any()
    ]


def cross_entropy(probabilities: Floats, target: Floats) -> Floats:
    """Return the log loss (N,), in nats, of probabilities (N, 7) against target probabilities (N, 7)."""
    losses: Floats = -(target * np.log(np.clip(probabilities, 1e-12, 1))).sum(axis=1)  # (N,)
    return losses


def per_class(truth: Indices, named: Indices) -> dict[str, dict[str, Any]]:
    """Return recall and precision of every class; None where the denominator is 0."""
    return {
        name: {
            "faces": int((truth == index).sum()),
            "recall": mean_of(named[truth == index] == index),
            "precision": mean_of(truth[named == index] == index),
        }
        for index, name in enumerate(EXPRESSIONS)
    }


def coverage_curve(confidence: Floats, is_right: NDArray[np.bool_], coverages: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return the accuracy on the most confident share of faces, for each share, and the least confidence among them."""
    order = np.argsort(-confidence, kind="stable")
    rows = []
    for coverage in coverages:
        kept = order[: max(1, round(coverage * len(order)))]
        least = round(float(confidence[kept].min()), 4)
        rows.append({"coverage": coverage, "least_probability": least, "accuracy": mean_of(is_right[kept])})
    return rows


def named_head(truth: Indices, probabilities: Floats) -> dict[str, Any]:
    """Return accuracy, macro-F1, per-class measures and confusion of one head, probabilities (N, 7), against labels (N,)."""
    named = probabilities.argmax(axis=1)  # (N,)
    return {
        "accuracy": mean_of(named == truth),
        "macro_f1": estimate(lambda chosen: macro_f1(truth[chosen], named[chosen]), len(truth)),
        "per_class": per_class(truth, named),
        "confusion": {"labels": list(EXPRESSIONS), "rows_are_truth": confusion(truth, named).tolist()},
    }
