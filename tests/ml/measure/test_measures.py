"""The measures on examples small enough to check by hand."""

import numpy as np
import pytest

from ml.intervals import estimate, mean_of
from ml.measure.calibrate import fit_abstention, fit_temperature
from ml.measure.measures import (
    calibration_error,
    classwise_error,
    confusion,
    coverage_curve,
    cross_entropy,
    macro_f1,
    per_class,
    reliability,
    risk_curve,
)
from ml.serve.engines import softmax

TRUTH = np.array([0, 0, 3, 3, 6])
NAMED = np.array([0, 3, 3, 3, 0])


def test_confusion_rows_are_the_truth() -> None:
    counts = confusion(TRUTH, NAMED)
    assert (counts[0, 0], counts[0, 3], counts[3, 3], counts[6, 0], counts.sum()) == (1, 1, 2, 1, 5)


def test_macro_f1_is_over_classes_that_occur() -> None:
    assert macro_f1(TRUTH, NAMED) == pytest.approx((0.5 + 0.8 + 0) / 3)


def test_interval_holds_the_value_and_narrows_with_more_faces() -> None:
    few, many = (mean_of(np.arange(count) % 5 != 0) for count in (50, 5000))
    assert few is not None
    assert many is not None
    assert (few["value"], few["n"], many["n"]) == (0.8, 50, 5000)
    assert few["low"] < many["low"] < 0.8 < many["high"] < few["high"]
    assert mean_of(np.array([])) is None


def test_calibration_error_is_the_gap_in_each_bin() -> None:
    confidence = np.array([0.9, 0.9, 0.5, 0.5])
    assert calibration_error(confidence, np.array([0.9, 0.9, 0.5, 0.5])) == pytest.approx(0)
    assert calibration_error(confidence, np.array([1.0, 0.8, 0.3, 0.3])) == pytest.approx(0.1)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0
    assert reliability(confidence, np.array([1.0, 0.6, 0.3, 0.3])) == [
        {"faces": 2, "confidence": 0.5, "share": 0.3},
        {"faces": 2, "confidence": 0.9, "share": 0.8},
    ]


def test_interval_of_a_calibration_error_holds_it() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 2000)
    agreed = rng.uniform(size=2000) < confidence  # calibrated, so that what is measured is the noise of the bins
    error = estimate(lambda chosen: calibration_error(confidence[chosen], agreed[chosen]), 2000, is_biased=True)
    assert error is not None
    assert 0 < error["low"] < error["value"] < error["high"]


def test_cross_entropy_is_least_for_the_probabilities_themselves() -> None:
    wanted = np.array([[0.7, 0.3, 0, 0, 0, 0, 0]])
    assert cross_entropy(wanted, wanted)[0] == pytest.approx(0.6109, abs=1e-4)
    assert cross_entropy(np.full((1, 7), 1 / 7), wanted)[0] == pytest.approx(np.log(7))


def test_accuracy_rises_when_the_least_confident_are_left_out() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.3]), np.array([True, True, True, False])
    whole, part = coverage_curve(confidence, right, (1.0, 0.75))
    assert whole["accuracy"]["value"] == 0.75
    assert (part["accuracy"]["value"], part["least_probability"]) == (1.0, 0.7)


def test_class_without_faces_has_no_recall() -> None:
    assert per_class(TRUTH, NAMED)["fear"] == {"faces": 0, "recall": None, "precision": None}


def test_temperature_restores_the_probabilities() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (300, 7))
    assert fit_temperature(logits * 1.7, softmax(logits)) == pytest.approx(1.7, abs=0.01)
    assert fit_temperature(logits * 0.6, softmax(logits)) == pytest.approx(0.6, abs=0.01)


def test_abstention_leaves_out_the_wanted_share() -> None:
    confidence = np.linspace(0.2, 1, 101)
    assert (confidence < fit_abstention(confidence)).mean() == pytest.approx(0.1, abs=0.01)


def test_classwise_error_sees_what_the_top_probability_hides() -> None:
    wanted = np.array([[0.6, 0.4, 0, 0, 0, 0, 0]] * 20)
    probabilities = np.array([[0.6, 0, 0.4, 0, 0, 0, 0]] * 20)
    assert classwise_error(wanted, wanted) == 0
    assert calibration_error(probabilities.max(axis=1), wanted[:, 0]) == 0
    assert classwise_error(probabilities, wanted) == pytest.approx(0.8 / 7)


def test_risk_falls_where_confidence_is_earned() -> None:
    confidence = np.linspace(0.2, 1, 100)
    curve = risk_curve(confidence, confidence > 0.6)
    assert [row["coverage"] for row in curve] == pytest.approx(np.arange(0.05, 1.01, 0.05))
    assert curve[0]["accuracy"] == 1
    assert curve[-1]["accuracy"] == pytest.approx(0.5)
