"""A weights folder made of a short run: complete, measured, and made again from its network."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import ml.measure.evaluate
import ml.train.release
from ml.serve.card import load_card

pytestmark = pytest.mark.keras


def test_released_folder_is_complete_and_evaluated(
    released: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_card(released)
    assert card.version == "0.0.9"
    assert {path.name for path in released.iterdir()} == {"model.keras", "model.onnx", "model.json", "report.json"}
    faces, out = ["--data", tiny_data, "--votes", tiny_data / "votes.csv"], ["--json", tmp_path / "new" / "out.json"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, ["--weights", released, *faces, *out]), "--robustness"])
    assert ml.measure.evaluate.main() == 0
    found = json.loads((tmp_path / "new" / "out.json").read_text())
    assert set(found["fer2013"]["accuracy"]) == {"value", "low", "high", "n"}
    assert found["fer2013"]["accuracy"]["n"] == found["raters"]["accuracy"]["n"] == 14
    assert 0 <= found["raters"]["ece"]["value"] <= 1
    assert found["raters"]["left_out"] == {"majority_is_none_of_seven": 0, "without_votes": 0}
    assert found["without_twins"]["fer2013"]["accuracy"]["n"] == 14
    assert set(found["robustness"]["blur, 1 px"]) == {"fer2013", "raters"}


@pytest.mark.full
def test_folder_is_made_anew_from_its_network(released: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, card = json.loads((released / "report.json").read_text()), load_card(released)
    (released / "model.onnx").unlink()
    arguments = ["--again", "--data", tiny_data, "--votes", tiny_data / "votes.csv", "--version", "0.0.10", "--out", released]
    monkeypatch.setattr(sys, "argv", ["release", *map(str, arguments)])
    assert ml.train.release.main() == 0
    assert load_card(released) == replace(card, version="0.0.10")
    assert json.loads((released / "report.json").read_text()) == before | {"model_version": "0.0.10"}
