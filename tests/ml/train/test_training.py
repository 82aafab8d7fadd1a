"""The road from pictures to a weights folder, on a tiny data set: train, resume, release, evaluate, export."""

import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

import ml.measure.evaluate
import ml.train.release
import ml.train.trainer
import ml.train.training
from ml.data import join_votes, load_split, read_votes
from ml.serve.card import load_card
from ml.serve.engines import load_keras, mirrored_logits, open_engine, softmax
from ml.serve.expressions import HEADS
from ml.serve.preprocess import measure_normaliser, to_pixels
from ml.serve.reader import WEIGHTS, FaceReader, WeightsMismatch
from ml.train.augment import Batch
from ml.train.config import Config
from ml.train.export import write_graph
from ml.train.trainer import Arrays, Trainer, averages, load_arrays, logits_of, multiplies_bfloat16, name_of

pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("default")]  # TensorFlow and Keras warn of themselves


MakeRun = Callable[..., ml.train.training.Run]


@pytest.fixture
def make_run(tiny_data: Path, tiny_config: Config, tmp_path: Path) -> MakeRun:
    """Return a maker of runs on the tiny data set."""
    votes = read_votes(tiny_data / "votes.csv")
    train, validation = (join_votes(load_split(tiny_data, split), votes) for split in ("train", "validation"))

    def make(name: str, epochs: float = 4) -> ml.train.training.Run:
        return ml.train.training.Run(tiny_config, train, validation, tmp_path / name, epochs, eval_every=2)

    return make


def same(first: Arrays, second: Arrays) -> bool:
    said = {"seconds", "precision", "recipe", "faces", "former"}
    return all(np.allclose(first[name], second[name], atol=1e-5) for name in first if name not in said)


def test_interrupted_run_resumes_to_the_same_weights(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, halved = make_run("whole"), make_run("halved")
    ml.train.training.train(whole)
    with monkeypatch.context() as patched:
        patched.setattr(
            ml.train.training, "record", lambda path, rows: (_ for _ in ()).throw(KeyboardInterrupt) if rows[0][0] == 2 else None
        )
        with pytest.raises(KeyboardInterrupt):
            ml.train.training.train(halved)
    assert int(load_arrays(halved.out / "state.npz")["epoch"]) == 2
    ml.train.training.train(halved, resume=True)
    assert same(load_arrays(whole.out / "state.npz"), load_arrays(halved.out / "state.npz"))


def test_run_leaves_curves_and_a_trunk_to_continue(make_run: MakeRun) -> None:
    run = make_run("first")
    ml.train.training.train(run)
    with (run.out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "4"]
    assert [row["weights"] for row in rows] == ["", "averaged", "", "raw", "averaged"]
    assert [row["side"] for row in rows] == ["24", "24", "44", "44", "44"]
    stable_checkpoint = load_arrays(run.out / "stable.npz")
    assert 0 < int(stable_checkpoint["step"]) < int(load_arrays(run.out / "state.npz")["step"])
    longer = replace(make_run("longer", epochs=1), stable_checkpoint=run.out / "stable.npz")
    ml.train.training.train(longer)
    assert int(load_arrays(longer.out / "state.npz")["epoch"]) == int(stable_checkpoint["epoch"]) + 1


def test_run_goes_on_with_its_own_recipe_and_faces_alone(make_run: MakeRun) -> None:
    run = make_run("own")
    ml.train.training.train(run)
    others = (
        replace(run, config=replace(run.config, rate=0.01)),
        replace(run, train=run.train.where(np.arange(len(run.train)) > 0)),
        replace(run, stable_checkpoint=run.out / "stable.npz"),
    )
    for other in others:
        with pytest.raises(ml.train.training.WrongFingerprint, match="another recipe, other faces or other former stages"):
            ml.train.training.train(other, resume=True)
    with pytest.raises(ml.train.training.WrongFingerprint, match="holds a run"):
        ml.train.training.train(run)


def test_longer_run_goes_on_and_makes_its_own_trunk(make_run: MakeRun) -> None:
    run = make_run("again")
    ml.train.training.train(run)
    former = int(load_arrays(run.out / "stable.npz")["step"])
    ml.train.training.train(replace(run, epochs=12), resume=True)
    assert int(load_arrays(run.out / "stable.npz")["step"]) > former
    assert int(load_arrays(run.out / "state.npz")["epoch"]) == 12


def test_new_run_clears_what_a_broken_one_left(make_run: MakeRun) -> None:
    run = make_run("broken")
    run.out.mkdir()
    for name in ("stable.npz", "curves.csv"):
        (run.out / name).write_text("of a run that left no state")
    ml.train.training.train(run)
    assert int(load_arrays(run.out / "stable.npz")["step"]) > 0
    with (run.out / "curves.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3", "4", "4"]


def random_batch(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 16)]
    return rng.normal(size=(16, 44, 44, 1)).astype(np.float32), targets, targets


def test_steps_that_count_alike_are_averaged_evenly(tiny_config: Config) -> None:
    trainer = Trainer(tiny_config)
    seen = []
    for number in range(3):
        trainer.step(random_batch(number), 0.1, alike=True)
        seen.append(np.asarray(trainer.trained[0]))
    assert np.allclose(trainer.averaged[0].numpy(), np.mean(seen, axis=0), atol=1e-6)
    resumed = Trainer(tiny_config)
    resumed.restore(trainer.state())
    assert resumed.counted == 3
    resumed.grow_from(trainer.state())
    assert resumed.counted == 0


@pytest.mark.parametrize(
    ("told", "multiplies"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16 i8mm\n", True),
        ("flags\t\t: fpu avx2 fma\n", False),
        (None, False),
    ],
)
def test_bfloat16_is_used_only_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_config: Config, told: str | None, multiplies: bool
) -> None:
    processor = tmp_path / "cpuinfo"
    if told is not None:
        processor.write_text(told)
    assert multiplies_bfloat16(processor) is multiplies
    monkeypatch.setattr(ml.train.trainer, "multiplies_bfloat16", lambda: multiplies)
    model = Trainer(tiny_config).model
    assert model.get_layer("stage1_conv").compute_dtype == ("bfloat16" if multiplies else "float32")
    assert Trainer(replace(tiny_config, precision="float32")).model.get_layer("stage1_conv").compute_dtype == "float32"


def test_fused_norm_does_what_keras_does(monkeypatch: pytest.MonkeyPatch, tiny_config: Config) -> None:
    exact = replace(tiny_config, precision="float32", dropout=0.0)
    fused = Trainer(exact)
    monkeypatch.setattr(ml.train.trainer, "fused_norm", lambda: None)
    composed = Trainer(exact)
    composed.restore(fused.state())
    losses = [[trainer.step(random_batch(number), 0.02) for number in range(3)] for trainer in (fused, composed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    one, other = fused.state(), composed.state()
    assert all(np.allclose(one[name], other[name], atol=1e-3) for name in one)
    moved = [name for name in one if "moving" in name]
    assert moved
    assert all(not np.allclose(one[name], one[name].flat[0]) for name in moved)


def test_deeper_network_grows_from_a_trunk_and_says_the_same_at_first(make_run: MakeRun) -> None:
    run = make_run("shallow")
    ml.train.training.train(run)
    stable_checkpoint = load_arrays(run.out / "stable.npz")
    faces = run.validation.pixels
    shallow, deep = Trainer(run.config), Trainer(replace(run.config, pairs=(0, 3)))
    shallow.restore(stable_checkpoint)
    deep.grow_from(stable_checkpoint)
    assert deep.model.count_params() > shallow.model.count_params()
    normaliser = measure_normaliser(run.train.pixels)
    before, after = (logits_of(each.model, faces, normaliser) for each in (shallow, deep))
    assert np.allclose(before, after, atol=0.05)  # bfloat16 rounds otherwise in graphs of other shapes
    with pytest.raises(KeyError, match="stage1_conv"):
        deep.grow_from({name: array for name, array in stable_checkpoint.items() if "stage1_conv" not in name})


def test_deeper_network_grows_from_finished_weights(make_run: MakeRun) -> None:
    run = make_run("finished", epochs=1)
    ml.train.training.train(run)
    ml.train.release.release(run.out, run.train, run.validation, "0.0.1", run.out, config=run.config)
    deep = Trainer(replace(run.config, pairs=(0, 2)))
    deep.grow_from_finished(run.out / "model.keras")
    state, finished = deep.state(), load_keras_weights(run.out / "model.keras")
    assert all((state[f"weights/{name}"] == array).all() for name, array in finished.items())
    assert all((state[f"velocity/{name}"] == 0).all() for name in finished if f"velocity/{name}" in state)
    assert (state["weights/stage1_pair1b_norm/gamma"] == 0).all()


def test_weights_end_halfway_to_those_they_began_with(make_run: MakeRun) -> None:
    began = make_run("began", epochs=1)
    ml.train.training.train(began)
    ml.train.release.release(began.out, began.train, began.validation, "0.0.1", began.out, config=began.config)
    run = make_run("further", epochs=1)
    run = replace(run, config=replace(run.config, start_share=0.5, average_share=1.0), stable_checkpoint=began.out / "model.keras")
    ended = averages(ml.train.training.train(run).state())
    ml.train.release.release(run.out, run.train, run.validation, "0.0.1", run.out, config=run.config)
    first, last = (load_keras_weights(folder / "model.keras") for folder in (began.out, run.out))
    names = [name.removeprefix("averaged/") for name in ended]
    assert all(np.allclose(last[name], (first[name] + ended[f"averaged/{name}"]) / 2, atol=1e-6) for name in names)
    assert not all(np.allclose(first[name], last[name], atol=1e-4) for name in names)


def load_keras_weights(path: Path) -> Arrays:
    import keras

    return {name_of(variable): np.asarray(variable) for variable in keras.models.load_model(path, compile=False).variables}


def test_teacher_has_its_share_in_the_targets(make_run: MakeRun) -> None:
    run = make_run("teacher", epochs=1)
    ml.train.training.train(run)
    ml.train.release.release(run.out, run.train, run.validation, "0.0.1", run.out, config=run.config)
    normaliser = measure_normaliser(run.train.pixels)
    alone = ml.train.training.choose_targets(run, normaliser)
    taught = ml.train.training.choose_targets(replace(run, teachers=(run.out,)), normaliser)
    said = ml.train.training.teacher_probs(run.out, run.train, normaliser)
    share = run.config.teacher_share
    assert np.allclose(taught.raters, (1 - share) * alone.raters + share * said[0] * (alone.raters.sum(1, keepdims=True) > 0))
    assert np.allclose(taught.labels, (1 - share) * alone.labels + share * said[1])
    assert not np.allclose(taught.labels, alone.labels)


@pytest.fixture
def released(make_run: MakeRun, tmp_path: Path) -> Path:
    """Return a weights folder made of a short run."""
    run = make_run("short", epochs=1)
    ml.train.training.train(run)
    ml.train.release.release(run.out, run.train, run.validation, "0.0.9", tmp_path / "weights", config=run.config)
    return tmp_path / "weights"


def test_released_folder_is_complete_and_evaluated(
    released: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_card(released)
    assert card.version == "0.0.9"
    assert {path.name for path in released.iterdir()} == {"model.keras", "model.onnx", "model.json", "report.json"}
    arguments = [
        "--weights",
        released,
        "--data",
        tiny_data,
        "--votes",
        tiny_data / "votes.csv",
        "--json",
        tmp_path / "new" / "out.json",
    ]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments), "--robustness"])
    assert ml.measure.evaluate.main() == 0
    found = json.loads((tmp_path / "new" / "out.json").read_text())
    assert set(found["fer2013"]["accuracy"]) == {"value", "low", "high", "n"}
    assert found["fer2013"]["accuracy"]["n"] == found["raters"]["accuracy"]["n"] == 14
    assert 0 <= found["raters"]["ece"]["value"] <= 1
    assert found["raters"]["left_out"] == {"majority_is_none_of_seven": 0, "without_votes": 0}
    assert found["without_twins"]["fer2013"]["accuracy"]["n"] == 14
    assert set(found["robustness"]["blur, 1 px"]) == {"fer2013", "raters"}


@pytest.mark.parametrize(("file", "engine"), [("model.keras", "keras"), ("model.onnx", "onnx")])
def test_weights_file_that_is_named_is_the_one_measured(
    released: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, engine: str
) -> None:
    arguments = ["--weights", released / file, "--data", tiny_data, "--json", tmp_path / "out.json"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments)])
    assert ml.measure.evaluate.main() == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["engine"], found["weights_sha256"]) == (engine, hashlib.sha256((released / file).read_bytes()).hexdigest())


def test_served_file_is_rounded_and_told_from_the_trained_one(released: Path) -> None:
    rounded = onnx.load(released / "model.onnx").graph
    kinds = Counter(tensor.data_type for tensor in rounded.initializer if tensor.name.endswith("_kernel_quantized"))
    kernels = [node.input[1] for node in rounded.node if node.op_type == "Conv"]
    whole = [name for name in kernels if name.endswith("_kernel")]
    assert len(whole) == 2  # those at full resolution
    assert kinds == {onnx.TensorProto.INT8: len(kernels) - len(whole)}
    told = json.loads((released / "report.json").read_text())["rounding"]
    assert 0 < told["mean_difference"] <= told["largest_difference"] < 0.2
    assert told["named_alike"]["n"] == 14


def test_folder_is_made_anew_from_its_network(released: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, card = json.loads((released / "report.json").read_text()), load_card(released)
    (released / "model.onnx").unlink()
    arguments = ["--again", "--data", tiny_data, "--votes", tiny_data / "votes.csv", "--version", "0.0.10", "--out", released]
    monkeypatch.setattr(sys, "argv", ["release", *map(str, arguments)])
    assert ml.train.release.main() == 0
    assert load_card(released) == replace(card, version="0.0.10")
    assert json.loads((released / "report.json").read_text()) == before | {"model_version": "0.0.10"}


def test_run_is_finished_when_it_is_as_long_as_asked_and_measured(make_run: MakeRun) -> None:
    run = make_run("finished", epochs=1)
    assert not ml.train.training.is_finished(run)
    ml.train.training.train(run)
    assert not ml.train.training.is_finished(run)  # not measured yet
    ml.train.release.release(run.out, run.train, run.validation, "0.0.1", run.out, config=run.config)
    assert ml.train.training.is_finished(run)
    assert not ml.train.training.is_finished(replace(run, epochs=2))
    for other in (replace(run, config=replace(run.config, seed=1)), replace(run, train=run.validation)):
        with pytest.raises(ml.train.training.WrongFingerprint, match="another recipe"):
            ml.train.training.is_finished(other)
        with pytest.raises(ValueError, match="another recipe"):
            ml.train.release.release(run.out, other.train, run.validation, "0.0.1", run.out, config=other.config)


def test_taught_run_is_another_when_its_teacher_was_trained_anew(make_run: MakeRun) -> None:
    teacher = make_run("teacher", epochs=1)
    ml.train.training.train(teacher)
    ml.train.release.release(teacher.out, teacher.train, teacher.validation, "0.0.1", teacher.out, config=teacher.config)
    taught = replace(make_run("taught", epochs=1), teachers=(teacher.out,))
    ml.train.training.train(taught)
    ml.train.training.train(replace(teacher, epochs=2), resume=True)
    ml.train.release.release(teacher.out, teacher.train, teacher.validation, "0.0.1", teacher.out, config=teacher.config)
    with pytest.raises(ml.train.training.WrongFingerprint, match="other former stages"):
        ml.train.training.train(replace(taught, teachers=(teacher.out,)), resume=True)


def test_split_without_votes_is_measured_on_labels_alone(released: Path, tiny_data: Path) -> None:
    card = load_card(released)
    found = ml.measure.evaluate.evaluate(open_engine("onnx", released, card), card, load_split(tiny_data, "validation"), None)
    assert found["fer2013"]["accuracy"]["n"] == 14
    assert (found["raters"], found["without_twins"]) == (None, None)
    assert "fer2013 accuracy" in ml.measure.evaluate.summary(found)


def test_engines_agree_on_a_real_face(portrait: Image.Image) -> None:
    card = load_card(WEIGHTS)
    pictures = [portrait.crop((165 + shift, 55, 289 + shift, 179)).rotate(shift) for shift in range(0, 20, 4)]
    faces = card.normaliser.apply(np.stack([to_pixels(picture) for picture in pictures]))
    served, trained = (mirrored_logits(open_engine(name, WEIGHTS, card), faces) for name in ("onnx", "keras"))
    assert served.std() > 0.1
    assert 0 < np.abs(softmax(served / card.temperature) - softmax(trained / card.temperature)).max() < 0.05


def test_graph_is_that_of_the_network_until_it_is_rounded(portrait: Image.Image) -> None:
    model = load_keras(WEIGHTS / "model.keras", (WEIGHTS / "model.keras").read_bytes())
    face = load_card(WEIGHTS).normaliser.apply(to_pixels(portrait.crop((165, 55, 289, 179)))[None])
    drawn = onnxruntime.InferenceSession(write_graph(model)).run(list(HEADS), {"image": face})
    assert np.abs(np.stack(drawn) - np.stack(model(face))).max() < 1e-4


def test_keras_engine_reads_the_same_shares_and_refuses_other_files(
    portrait: Image.Image, reader: FaceReader, released: Path
) -> None:
    shares = FaceReader(WEIGHTS, engine="keras").read(portrait).probabilities
    assert shares == pytest.approx(reader.read(portrait).probabilities, abs=0.05)
    with (released / "model.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WeightsMismatch, match=r"model\.keras"):
        open_engine("keras", released, load_card(released))
