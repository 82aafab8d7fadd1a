"""What reading costs, as the report has it."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import ml.measure.cost
from ml.data import FaceSet
from ml.serve.reader import WEIGHTS


def test_cost_goes_into_the_report(faces: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model.json", "model.onnx", "centerface.fine.onnx", "centerface.coarse.onnx"):
        shutil.copy(WEIGHTS / name, tmp_path)
    (tmp_path / "report.json").write_text("{}")
    monkeypatch.setattr(ml.measure.cost, "load_split", lambda *_: faces)
    monkeypatch.setattr(ml.measure.cost, "LARGE", (1000, 750))  # a phone's photo takes seconds
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)  # else all later tests share one core
    monkeypatch.setattr(sys, "argv", ["cost", "--weights", str(tmp_path), "--data", "fer2013.zip", "--count", "3"])
    assert ml.measure.cost.main() == 0
    cost = json.loads((tmp_path / "report.json").read_text())["cost"]
    assert [cost[name]["n"] for name in ("face", "photo_640x480", "photo_4000x3000")] == [3, 3, 1]
    assert all(cost[name]["value"] > 0 for name in ("face", "photo_640x480", "photo_4000x3000"))
    assert cost["processor"]
