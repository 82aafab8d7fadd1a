"""What is measured of weights, and what is told when they or the data cannot be read."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import ml.measure.evaluate
import ml.train.release
import ml.train.training
from ml.data import VOTE_COLUMNS, FaceSet, join_votes, load_split, rater_majority, read_votes
from ml.serve.card import load_card
from ml.serve.engines import open_engine
from ml.serve.expressions import EXPRESSIONS
from ml.serve.reader import WEIGHTS


@pytest.mark.parametrize("program", [ml.measure.evaluate, ml.train.release, ml.train.training])
@pytest.mark.parametrize("missing", ["--data", "--votes"])
def test_unreadable_data_is_reported_in_one_line(
    program: ModuleType,
    missing: str,
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {"--data": tiny_data, "--votes": tiny_data / "votes.csv"} | {missing: tiny_data / "nothing"}
    own = {
        ml.measure.evaluate: ["--weights", WEIGHTS],
        ml.train.release: ["--run", tmp_path, "--out", tmp_path, "--version", "0.0.1"],
        ml.train.training: ["--out", tmp_path],
    }
    arguments = [*own[program], *(part for option in given.items() for part in option)]
    monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert str(tiny_data / "nothing") in capsys.readouterr().err.splitlines()[-1]


def test_summary_says_the_protocol_of_each_figure() -> None:
    told = ml.measure.evaluate.summary(json.loads((WEIGHTS / "report.json").read_text()))
    for figure in ("fer2013.accuracy", "raters.accuracy", "raters.barsoum.accuracy"):
        assert f"all faces: {figure} 0." in told
        assert f"{figure.removesuffix('.accuracy')}: FER" in told


def test_missing_weights_are_reported_in_one_line(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", "--weights", str(tmp_path), "--data", str(tiny_data)])
    with pytest.raises(SystemExit) as ended:
        ml.measure.evaluate.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("model.json cannot be read")


def test_single_votes_count_as_cast() -> None:
    votes = np.zeros((2, len(VOTE_COLUMNS)), np.int64)
    votes[0, [VOTE_COLUMNS.index(name) for name in ("happiness", "surprise", "unknown")]] = 7, 1, 2
    votes[1, VOTE_COLUMNS.index("sadness")] = 10
    happy, sad = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")
    faces = FaceSet(np.zeros((2, 48, 48), np.uint8), np.array([happy, sad]), ("0", "1"), votes)
    found = ml.measure.evaluate.measure_calibration(100 * np.eye(7)[[happy, sad]], faces, 1.0)  # certain of the majority
    assert {name: share["value"] for name, share in found["named_share"].items()} == pytest.approx(
        {"served": 1, "counted": 1, "of_the_seven": (7 / 8 + 1) / 2, "of_all_votes": (7 / 10 + 1) / 2}
    )
    assert (found["ece"]["value"], found["ece_as_cast"]["value"]) == pytest.approx((0, 1 / 16))
    assert (found["ece_classwise"]["value"], found["ece_classwise_as_cast"]["value"]) == pytest.approx((0, 2 / 16 / 7), abs=1e-5)


def test_abstention_is_measured_at_the_threshold(tiny_data: Path) -> None:
    votes = read_votes(tiny_data / "votes.csv")
    faces, card = join_votes(load_split(tiny_data, "validation"), votes), load_card(WEIGHTS)
    assert faces.votes is not None
    majority, _ = rater_majority(faces.votes)
    logits = 8 * np.eye(7)[np.maximum(majority, 0)]
    logits[::2] = 0.1 * np.eye(7)[6]  # too close to call, and named neutral
    found = ml.measure.evaluate.measure_abstention(logits, faces, replace(card, temperature=1.0, abstain_below=0.5))
    assert found is not None
    assert found["coverage"]["value"] == pytest.approx((majority[1::2] >= 0).sum() / (majority >= 0).sum(), abs=1e-4)
    assert found["accuracy"]["value"] == 1
    assert ml.measure.evaluate.measure_abstention(logits, replace(faces, votes=None), card) is None


@pytest.mark.keras
@pytest.mark.parametrize(("file", "engine"), [("model.keras", "keras"), ("model.onnx", "onnx")])
def test_weights_file_that_is_named_is_the_one_measured(
    released: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, engine: str
) -> None:
    arguments = ["--weights", released / file, "--data", tiny_data, "--json", tmp_path / "out.json"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments)])
    assert ml.measure.evaluate.main() == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["engine"], found["weights_sha256"]) == (engine, hashlib.sha256((released / file).read_bytes()).hexdigest())


@pytest.mark.keras
def test_renewed_report_keeps_what_was_not_measured(
    released: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = released / "report.json"
    before = json.loads(path.read_text())
    path.write_text(json.dumps(before | {"raters": "old", "parity": {"faces": 3}, "robustness": {"blur": "old"}}))
    measure = ["evaluate", *map(str, ["--weights", released, "--data", tiny_data, "--votes", tiny_data / "votes.csv"]), "--renew"]
    monkeypatch.setattr(sys, "argv", measure)
    assert ml.measure.evaluate.main() == 0
    assert json.loads(path.read_text()) == before | {"parity": {"faces": 3}, "robustness": {"blur": "old"}}
    for key, other in (("weights_sha256", "of others"), ("split", "train")):
        path.write_text(json.dumps(before | {key: other}))
        with pytest.raises(SystemExit):
            ml.measure.evaluate.main()
        assert f"has the {key} {other}" in capsys.readouterr().err
        assert json.loads(path.read_text()) == before | {key: other}


@pytest.mark.keras
def test_split_without_votes_is_measured_on_labels_alone(released: Path, tiny_data: Path) -> None:
    card = load_card(released)
    found = ml.measure.evaluate.evaluate(open_engine("onnx", released, card), card, load_split(tiny_data, "validation"), None)
    assert found["fer2013"]["accuracy"]["n"] == 14
    assert (found["raters"], found["without_twins"]) == (None, None)
    told = ml.measure.evaluate.summary(found)
    assert "fer2013.accuracy" in told
    assert "raters.accuracy" not in told
