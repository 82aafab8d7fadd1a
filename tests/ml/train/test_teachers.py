"""What stays of a teacher: logits that are read instead of its weights, refused for other faces, and measured together."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ml.train.ceiling
import ml.train.teach
from ml.data import VOTE_COLUMNS, FaceSet, UnreadableData, hash_faces
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import measure_normaliser
from ml.serve.reader import WEIGHTS
from ml.train.ceiling import ceilings
from ml.train.config import RECIPE, chain
from ml.train.run import Run, WrongFingerprint
from ml.train.targets import choose_targets, teacher_probs
from ml.train.teach import teach
from ml.train.teachers import FOLDER, OtherFaces, Teacher, read_teacher, read_teachers
from ml.train.training import train
from tests.ml.runs import MakeRun

HAPPY, SAD = (EXPRESSIONS.index(name) for name in ("happy", "sad"))


def splits(run: Run) -> dict[str, FaceSet]:
    return {"train": run.train, "validation": run.validation}


@pytest.fixture
def taught(finished: Run, tmp_path: Path) -> Path:
    """Return the file of logits that the tiny finished network leaves."""
    return teach(finished.out, "tiny", splits(finished)).save(tmp_path / "teachers")


@pytest.mark.keras
def test_logits_are_those_of_the_finished_network(finished: Run, taught: Path) -> None:
    teacher, normaliser = read_teacher(taught), measure_normaliser(finished.train.pixels)
    assert (teacher.name, teacher.logits["train"].shape, teacher.logits["validation"].shape) == ("tiny", (2, 21, 7), (2, 14, 7))
    for split, faces in splits(finished).items():
        assert teacher.logits[split].dtype == np.float16
        own = teacher_probs(finished.out, faces, normaliser)
        assert np.abs(teacher.probabilities(split, faces) - own).max() < 2e-3
    assert teacher.facts["recipe"]["widths"] == [4, 8]
    assert teacher.facts["training"]["epochs"] == 1
    assert set(teacher.facts["validation"]) == {"fer2013", "raters", "barsoum"}


@pytest.mark.keras
def test_logits_take_the_place_of_the_weights_in_the_targets(finished: Run, taught: Path) -> None:
    normaliser = measure_normaliser(finished.train.pixels)
    targets = [choose_targets(replace(finished, teachers=(teacher,)), normaliser) for teacher in (finished.out, taught)]
    untaught = choose_targets(finished, normaliser)
    for name in ("raters", "labels"):
        folder, file, plain = (getattr(each, name) for each in (*targets, untaught))
        assert np.abs(folder - file).max() < 2e-3
        assert np.abs(plain - file).max() > 0.05


@pytest.mark.keras
def test_run_taught_by_logits_goes_on_with_the_same_logits_alone(make_run: MakeRun, finished: Run, taught: Path) -> None:
    run = replace(make_run("taught", epochs=1), teachers=(taught,))
    train(run)
    teacher = read_teacher(taught)
    replace(teacher, logits={split: logits + np.float16(1) for split, logits in teacher.logits.items()}).save(taught.parent)
    with pytest.raises(WrongFingerprint, match="other former stages"):
        train(replace(run, epochs=2, teachers=(taught,)), resume=True)


@pytest.mark.keras
def test_logits_of_other_faces_or_votes_are_refused(finished: Run, taught: Path) -> None:
    normaliser = measure_normaliser(finished.train.pixels)
    assert finished.train.votes is not None
    others = (finished.train.where(np.arange(21) != 3), replace(finished.train, votes=finished.train.votes[::-1].copy()))
    for other in others:
        with pytest.raises(OtherFaces, match="teacher tiny were made of other train faces or votes"):
            choose_targets(replace(finished, train=other, teachers=(taught,)), normaliser)
        with pytest.raises(OtherFaces, match="was trained on other faces"):
            teach(finished.out, "tiny", splits(finished) | {"train": other})
    with pytest.raises(OtherFaces, match="other validation faces"):
        list(ceilings([read_teacher(taught)], None, finished.train))


@pytest.mark.keras
def test_commands_write_and_measure_a_teacher(
    finished: Run, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = ["--data", tiny_data, "--votes", tiny_data / "votes.csv", "--teachers", tmp_path]
    monkeypatch.setattr(sys, "argv", ["teach", *map(str, ["--weights", finished.out, "--name", "tiny", *faces])])
    assert ml.train.teach.main() == 0
    assert str(tmp_path / "tiny.npz") in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["ceiling", *map(str, ["--weights", WEIGHTS, *faces])])
    assert ml.train.ceiling.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" |")[0] for line in lines[2:]] == ["| tiny", "| the network that ships", "| mean of all 2"]
    # A teacher that ships itself is not counted twice.
    monkeypatch.setattr(sys, "argv", ["ceiling", *map(str, ["--weights", finished.out, *faces])])
    assert ml.train.ceiling.main() == 0
    assert [line.split(" |")[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["| tiny"]
    monkeypatch.setattr(sys, "argv", ["ceiling", "absent", *map(str, faces)])
    with pytest.raises(SystemExit):
        ml.train.ceiling.main()
    assert "absent.npz holds no logits of a teacher" in capsys.readouterr().err


def test_teachers_that_err_on_different_faces_are_right_together() -> None:
    votes = np.zeros((3, 10), np.int64)
    votes[:, VOTE_COLUMNS.index("happiness")] = 10
    faces = FaceSet(np.zeros((3, 48, 48), np.uint8), np.array([HAPPY, HAPPY, SAD]), ("0", "1", "2"), votes)

    def teacher(name: str, wrong: int) -> Teacher:
        # Sure of happy, but for one face that it calls sad with little confidence.
        logits = np.zeros((2, 3, 7), np.float16)
        logits[:, :, HAPPY] = 5
        logits[:, wrong, HAPPY], logits[:, wrong, SAD] = 0, 1
        return Teacher(name, {"validation": logits}, {"faces": {"validation": hash_faces(faces)}})

    sure_of_sad = np.zeros((2, 3, 7))
    sure_of_sad[:, :, SAD] = 1
    found = dict(ceilings([teacher("one", 0), teacher("other", 1)], sure_of_sad, faces))
    shares = {name: [figure["value"] for figure in row.values() if figure] for name, row in found.items()}
    # Labels, majorities, and the protocol of Barsoum et al. The third face is labelled sad.
    assert shares["one"] == pytest.approx([1 / 3, 2 / 3, 2 / 3], abs=1e-4)
    assert shares["other"] == pytest.approx([1 / 3, 2 / 3, 2 / 3], abs=1e-4)
    assert shares["mean of 2"] == pytest.approx([2 / 3, 1, 1], abs=1e-4)
    assert shares["the network that ships"] == pytest.approx([1 / 3, 0, 0], abs=1e-4)
    # On the first two faces one of three is sure of happy, one of sad, and one leans to sad.
    assert shares["mean of all 3"] == pytest.approx([0, 1 / 3, 1 / 3], abs=1e-4)


def test_file_without_logits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "other.npz", faces=np.zeros(3))
    for name in ("torn", "other", "missing"):
        with pytest.raises(UnreadableData, match=f"{name}.npz holds no logits of a teacher"):
            read_teacher(tmp_path / f"{name}.npz")
    with pytest.raises(UnreadableData, match=r"ml\.train\.teach"):
        read_teachers(tmp_path / "nothing", [])


def test_teacher_with_logits_is_not_trained_again() -> None:
    assert chain("student")[-1] == "student"
    assert set(chain("student")) == set(RECIPE)
    assert chain("student", frozenset({"sixth"})) == ["apart", "student"]
    assert chain("student", frozenset({"sixth", "apart"})) == ["student"]
    assert chain("sixth", frozenset({"sixth", "apart"})) == ["first", "second", "third", "fourth", "fifth", "sixth"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.npz")), ids=lambda path: path.stem)
def test_logits_in_the_repository_are_those_of_a_stage(path: Path) -> None:
    teacher = read_teacher(path)
    assert path.stat().st_size < 1_000_000
    assert teacher.logits["train"].shape == (2, 28694, 7)
    assert teacher.logits["validation"].shape == (2, 3587, 7)
    assert np.isfinite(teacher.logits["train"].astype(np.float32)).all()
    wanted = json.loads(json.dumps(RECIPE[teacher.name].config.parameters))
    assert teacher.facts["recipe"] == {name: wanted[name] for name in teacher.facts["recipe"]}
