"""The sanity checks of the maps: they lie where each expression shows, and depend on what was learned."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import ml.measure.explanations
import ml.serve.explain
from ml.measure.explanations import shuffle_weights
from ml.serve.engines import KerasEngine
from ml.serve.explain import explain
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Pixels
from ml.serve.reader import WEIGHTS, FaceReader

HAPPY = EXPRESSIONS.index("happy")


def test_clear_smiles_are_named_by_the_mouth_and_anger_by_the_brows() -> None:
    parts = json.loads((WEIGHTS / "report.json").read_text())["explanations"]["by_expression"]
    assert parts["happy"]["mouth"]["low"] > parts["happy"]["brows"]["high"]
    assert parts["angry"]["brows"]["value"] > 1.5 * parts["angry"]["mouth"]["value"]


@pytest.mark.keras
@pytest.mark.parametrize("step_px", [8, pytest.param(ml.serve.explain.STEP_PX, marks=pytest.mark.full)])
def test_map_is_another_when_the_weights_are_shuffled(
    reader: FaceReader, smile: Pixels, monkeypatch: pytest.MonkeyPatch, step_px: int
) -> None:
    monkeypatch.setattr(ml.serve.explain, "STEP_PX", step_px)  # at 8 px a quarter of the covers
    engine = KerasEngine(WEIGHTS, reader.card)
    learned = explain(engine, reader.card, smile, HAPPY).drops
    served = reader.explain(smile, HAPPY).drops
    assert np.abs(learned - served).max() < 0.005  # what serves is rounded
    assert np.corrcoef(learned.ravel(), served.ravel())[0, 1] > 0.98
    shuffle_weights(engine.model)
    assert abs(np.corrcoef(learned.ravel(), explain(engine, reader.card, smile, HAPPY).drops.ravel())[0, 1]) < 0.5


@pytest.fixture(params=["tiny", pytest.param("shipped", marks=pytest.mark.full)])
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a weights folder that a test may change: of a short run on a tiny network, and the one that ships."""
    if request.param == "tiny":
        tiny: Path = request.getfixturevalue("released")
        return tiny
    return Path(shutil.copytree(WEIGHTS, tmp_path / "shipped"))


@pytest.mark.keras
def test_measures_go_into_the_report(weights: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--weights", weights, "--data", tiny_data, "--votes", tiny_data / "votes.csv", "--count", "1"]
    monkeypatch.setattr(sys, "argv", ["explanations", *map(str, arguments)])
    assert ml.measure.explanations.main() == 0
    checks = json.loads((weights / "report.json").read_text())["explanations"]
    assert set(checks["by_expression"]) == set(EXPRESSIONS)
    assert checks["by_expression"]["happy"]["faces"] == 1
    assert -1 <= checks["correlation_when_shuffled"]["value"] <= 1
