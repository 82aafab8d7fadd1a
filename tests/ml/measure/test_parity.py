"""Faces put into photos and read again, and what that costs."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ml.measure.cost
import ml.measure.parity
from ml.data import VOTE_COLUMNS, FaceSet
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import to_pixels
from ml.serve.reader import WEIGHTS


@pytest.fixture
def faces(portrait: Image.Image) -> FaceSet:
    """Return five smiles, framed as training faces are, and a picture that shows nobody."""
    smile = to_pixels(portrait.crop((163, 55, 287, 179)))
    nobody = np.full((48, 48), 90, np.uint8)
    votes = np.zeros((6, len(VOTE_COLUMNS)), np.int64)
    votes[:, VOTE_COLUMNS.index("happiness")] = 10
    labels = np.full(6, EXPRESSIONS.index("happy"))
    return FaceSet(np.stack([smile] * 5 + [nobody]), labels, tuple(map(str, range(6))), votes)


def test_faces_in_photos_are_read_by_the_reader(faces: FaceSet) -> None:
    found = ml.measure.parity.measure_parity(WEIGHTS, faces)
    assert (found["faces"], found["not_found"]["value"]) == (6, pytest.approx(1 / 6, abs=1e-4))
    assert (found["rejected"]["value"], found["to_choose"]["value"], found["reasons"]) == (0, 0, {})
    assert found["through_photos"]["raters"] == found["direct"]["raters"] == {"value": 1, "low": 1, "high": 1, "n": 5}
    assert found["kept"]["raters"]["value"] == 1
    assert found["kept_of_all"]["raters"]["value"] <= 1  # of six


def test_fewer_faces_are_drawn_when_asked_for(faces: FaceSet) -> None:
    assert ml.measure.parity.measure_parity(WEIGHTS, faces, 2)["faces"] == 2


def test_cost_goes_into_the_report(faces: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model.json", "model.onnx", "centerface.onnx"):
        shutil.copy(WEIGHTS / name, tmp_path)
    (tmp_path / "report.json").write_text("{}")
    monkeypatch.setattr(ml.measure.cost, "load_split", lambda *_: faces)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)  # else all later tests share one core
    monkeypatch.setattr(sys, "argv", ["cost", "--weights", str(tmp_path), "--data", "fer2013.zip", "--count", "10"])
    assert ml.measure.cost.main() == 0
    cost = json.loads((tmp_path / "report.json").read_text())["cost"]
    assert [cost[name]["n"] for name in ("face", "photo_640x480", "photo_4000x3000")] == [10, 10, 1]
    assert all(cost[name]["value"] > 0 for name in ("face", "photo_640x480", "photo_4000x3000"))
    assert cost["processor"]
