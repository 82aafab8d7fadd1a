"""Measures of predictions against labels and votes, each with its 95 % bootstrap interval."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.intervals import Floats, Indices, estimate, mean_of
from ml.serve.expressions import EXPRESSIONS

CLASSES = len(EXPRESSIONS)
BINS = 15


def confusion(truth: Indices, named: Indices) -> Indices:
    """Return counts (7, 7): rows are the truth, columns what was named."""
    return np.bincount(truth * CLASSES + named, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def macro_f1(truth: Indices, named: Indices) -> float:
    """Return the mean F1 of the classes that occur in the truth."""
    counts = confusion(truth, named)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    occurs = counts.sum(axis=1) > 0
    return float((2 * counts.diagonal() / np.maximum(both, 1))[occurs].mean())


def calibration_error(confidence: Floats, share_right: Floats | NDArray[np.bool_]) -> float:
    """Return the expected calibration error: the mean gap between the two over 15 even bins of confidence, weighted by faces."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - share_right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def classwise_error(shares: Floats, wanted: Floats) -> float:
    """Return the mean over the seven expressions of the calibration error of its share, named or not; both (N, 7).

    Nixon et al. 2019, with even bins: the top share alone may be right while the others are not.
    """
    return float(np.mean([calibration_error(shares[:, index], wanted[:, index]) for index in range(CLASSES)]))


def risk_curve(confidence: Floats, right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Return the accuracy on the most confident 5, 10, ... 100 % of the faces."""
    ordered = right[np.argsort(-confidence, kind="stable")]
    kept = [(percent / 100, max(1, round(percent / 100 * len(ordered)))) for percent in range(5, 101, 5)]
    return [{"coverage": share, "accuracy": round(float(ordered[:count].mean()), 4)} for share, count in kept]


def reliability(confidence: Floats, share_right: Floats) -> list[dict[str, float | int]]:
    """Return each bin that holds faces: how many, their mean confidence, and the mean share of raters who agreed."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "faces": int((bins == place).sum()),
            "confidence": round(float(confidence[bins == place].mean()), 4),
            "share": round(float(share_right[bins == place].mean()), 4),
        }
        for place in range(BINS)
        if (bins == place).any()
    ]


def cross_entropy(shares: Floats, wanted: Floats) -> Floats:
    """Return each face's log loss (N,), in nats, of shares (N, 7) against wanted shares (N, 7)."""
    losses: Floats = -(wanted * np.log(np.clip(shares, 1e-12, 1))).sum(axis=1)
    return losses


def per_class(truth: Indices, named: Indices) -> dict[str, dict[str, Any]]:
    """Return recall and precision of every class, None where there is nothing to divide by."""
    return {
        name: {
            "faces": int((truth == index).sum()),
            "recall": mean_of(named[truth == index] == index),
            "precision": mean_of(truth[named == index] == index),
        }
        for index, name in enumerate(EXPRESSIONS)
    }


def coverage_curve(confidence: Floats, right: NDArray[np.bool_], shares: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return the accuracy on the most confident share of faces, and the confidence that this share asks for."""
    order = np.argsort(-confidence, kind="stable")
    rows = []
    for share in shares:
        kept = order[: max(1, round(share * len(order)))]
        least = round(float(confidence[kept].min()), 4)
        rows.append({"coverage": share, "least_probability": least, "accuracy": mean_of(right[kept])})
    return rows


def named_head(truth: Indices, shares: Floats) -> dict[str, Any]:
    """Return accuracy, macro-F1, per-class figures and confusion of one head."""
    named = shares.argmax(axis=1)
    return {
        "accuracy": mean_of(named == truth),
        "macro_f1": estimate(lambda chosen: macro_f1(truth[chosen], named[chosen]), len(truth)),
        "per_class": per_class(truth, named),
        "confusion": {"labels": list(EXPRESSIONS), "rows_are_truth": confusion(truth, named).tolist()},
    }
