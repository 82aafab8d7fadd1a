"""A run on a tiny data set: it resumes, goes on, grows out of others, and is taught by others."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ml.train.release
import ml.train.run
import ml.train.targets
import ml.train.training
from ml.serve.preprocess import measure_normaliser
from ml.train.model import build_model
from ml.train.trainer import Arrays, Trainer, averages, load_arrays
from tests.ml.runs import MakeRun, copy_run, load_keras_weights

pytestmark = pytest.mark.keras


def same(first: Arrays, second: Arrays) -> bool:
    said = {"seconds", "precision", "backend", "recipe", "faces", "former"}
    return all(np.allclose(first[name], second[name], atol=1e-5) for name in first if name not in said)


@pytest.mark.slow("trains a tiny network twice")
def test_interrupted_run_resumes_to_the_same_weights(
    make_run: MakeRun, trained: ml.train.run.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    halved = make_run("halved")
    with monkeypatch.context() as patched:
        patched.setattr(
            ml.train.training, "record", lambda path, rows: (_ for _ in ()).throw(KeyboardInterrupt) if rows[0][0] == 2 else None
        )
        with pytest.raises(KeyboardInterrupt):
            ml.train.training.train(halved)
    assert int(load_arrays(halved.out / "state.npz")["epoch"]) == 2
    ml.train.training.train(halved, resume=True)
    assert same(load_arrays(trained.out / "state.npz"), load_arrays(halved.out / "state.npz"))


@pytest.mark.slow("trains a tiny network")
def test_run_that_is_killed_within_an_epoch_goes_on_there(
    make_run: MakeRun, trained: ml.train.run.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = replace(make_run("killed"), save_every=0.0)
    step = Trainer.step
    taken: list[int] = []

    def take(self: Trainer, *arguments: Any) -> Any:  # Any: a batch, numbers, and a scalar of the backend
        if len(taken) == 3:
            raise KeyboardInterrupt
        taken.append(1)
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "step", take)
        with pytest.raises(KeyboardInterrupt):
            ml.train.training.train(killed)
    state = load_arrays(killed.out / "state.npz")
    assert [int(state[name]) for name in ("epoch", "place", "step")] == [2, 1, 3]  # two batches make an epoch
    ml.train.training.train(killed, resume=True)
    assert same(load_arrays(trained.out / "state.npz"), load_arrays(killed.out / "state.npz"))


def test_run_leaves_curves_and_a_stable_checkpoint(make_run: MakeRun, trained: ml.train.run.Run) -> None:
    with (trained.out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "4"]
    assert [row["weights"] for row in rows] == ["", "averaged", "", "raw", "averaged"]
    assert [row["side"] for row in rows] == ["24", "24", "44", "44", "44"]
    stable_checkpoint = load_arrays(trained.out / "stable.npz")
    assert 0 < int(stable_checkpoint["step"]) < int(load_arrays(trained.out / "state.npz")["step"])
    longer = replace(make_run("longer", epochs=1), stable_checkpoint=trained.out / "stable.npz")
    ml.train.training.train(longer)
    assert int(load_arrays(longer.out / "state.npz")["epoch"]) == int(stable_checkpoint["epoch"]) + 1


def test_run_goes_on_with_its_own_recipe_and_faces_alone(trained: ml.train.run.Run) -> None:
    others = (
        replace(trained, config=replace(trained.config, rate=0.01)),
        replace(trained, train=trained.train.where(np.arange(len(trained.train)) > 0)),
        replace(trained, stable_checkpoint=trained.out / "stable.npz"),
    )
    for other in others:
        with pytest.raises(ml.train.run.WrongFingerprint, match="another recipe, other faces or other former stages"):
            ml.train.training.train(other, resume=True)
    with pytest.raises(ml.train.run.WrongFingerprint, match="holds a run"):
        ml.train.training.train(trained)


@pytest.mark.full
def test_longer_run_goes_on_and_makes_its_own_stable_checkpoint(trained: ml.train.run.Run, tmp_path: Path) -> None:
    run = copy_run(trained, tmp_path / "again")
    former = int(load_arrays(run.out / "stable.npz")["step"])
    ml.train.training.train(replace(run, epochs=6), resume=True)
    assert int(load_arrays(run.out / "stable.npz")["step"]) > former
    assert int(load_arrays(run.out / "state.npz")["epoch"]) == 6


@pytest.mark.full
def test_new_run_clears_what_a_broken_one_left(make_run: MakeRun) -> None:
    run = make_run("broken")
    run.out.mkdir()
    for name in ("stable.npz", "curves.csv"):
        (run.out / name).write_text("of a run that left no state")
    ml.train.training.train(run)
    assert int(load_arrays(run.out / "stable.npz")["step"]) > 0
    with (run.out / "curves.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3", "4", "4"]


@pytest.mark.full
def test_weights_end_halfway_to_those_they_began_with(make_run: MakeRun, finished: ml.train.run.Run) -> None:
    run = make_run("further", epochs=1)
    run = replace(
        run, config=replace(run.config, start_share=0.5, average_share=1.0), stable_checkpoint=finished.out / "model.keras"
    )
    ended = averages(ml.train.training.train(run).state())
    ml.train.release.release(run.out, run.train, run.validation, "0.0.1", run.out, config=run.config)
    first, last = (load_keras_weights(folder / "model.keras") for folder in (finished.out, run.out))
    names = [name.removeprefix("averaged/") for name in ended]
    assert all(np.allclose(last[name], (first[name] + ended[f"averaged/{name}"]) / 2, atol=1e-6) for name in names)
    assert not all(np.allclose(first[name], last[name], atol=1e-4) for name in names)


def test_teacher_has_its_share_in_the_targets(finished: ml.train.run.Run) -> None:
    run = finished
    normaliser = measure_normaliser(run.train.pixels)
    untaught = ml.train.targets.choose_targets(run, normaliser)
    taught = ml.train.targets.choose_targets(replace(run, teachers=(run.out,)), normaliser)
    probabilities = ml.train.targets.teacher_probs(run.out, run.train, normaliser)
    share = run.config.teacher_share
    assert np.allclose(
        taught.raters, (1 - share) * untaught.raters + share * probabilities[0] * (untaught.raters.sum(1, keepdims=True) > 0)
    )
    assert np.allclose(taught.labels, (1 - share) * untaught.labels + share * probabilities[1])
    assert not np.allclose(taught.labels, untaught.labels)


def test_run_is_finished_when_it_is_as_long_as_asked_and_measured(
    make_run: MakeRun, finished: ml.train.run.Run, tmp_path: Path
) -> None:
    assert not ml.train.run.is_finished(make_run("empty", epochs=1))
    run = copy_run(finished, tmp_path / "finished")
    report = (run.out / "report.json").rename(tmp_path / "report.json")
    assert not ml.train.run.is_finished(run)  # not measured yet
    report.rename(run.out / "report.json")
    assert ml.train.run.is_finished(run)
    assert not ml.train.run.is_finished(replace(run, epochs=2))
    for other in (replace(run, config=replace(run.config, seed=1)), replace(run, train=run.validation)):
        with pytest.raises(ml.train.run.WrongFingerprint, match="another recipe"):
            ml.train.run.is_finished(other)
        with pytest.raises(ValueError, match="another recipe"):
            ml.train.release.release(run.out, other.train, run.validation, "0.0.1", run.out, config=other.config)


@pytest.mark.full
def test_taught_run_is_another_when_its_teacher_was_trained_anew(
    make_run: MakeRun, finished: ml.train.run.Run, tmp_path: Path
) -> None:
    teacher = copy_run(finished, tmp_path / "teacher")
    taught = replace(make_run("taught", epochs=1), teachers=(teacher.out,))
    ml.train.training.train(taught)
    ml.train.release.save_model(build_model(teacher.config), teacher.out / "model.keras")
    with pytest.raises(ml.train.run.WrongFingerprint, match="other former stages"):
        ml.train.training.train(replace(taught, teachers=(teacher.out,)), resume=True)
