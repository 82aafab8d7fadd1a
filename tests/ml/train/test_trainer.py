"""One training step, its averages and its precision, and networks that grow out of smaller ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ml.train.run
import ml.train.training
from ml.serve.preprocess import measure_normaliser
from ml.train.config import Config
from ml.train.trainer import Trainer, load_arrays, logits_of, multiplies_bfloat16
from tests.ml.runs import load_keras_weights, random_batch

pytestmark = pytest.mark.keras


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


@pytest.mark.slow("loads TensorFlow")
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


@pytest.mark.slow("loads TensorFlow")
def test_fused_norm_does_what_keras_does(monkeypatch: pytest.MonkeyPatch, tiny_config: Config) -> None:
    exact = replace(tiny_config, precision="float32", dropout=0.0)
    fused = Trainer(exact)
    monkeypatch.setattr(ml.train.trainer, "fused_norm", lambda: None)
    composed = Trainer(exact)
    composed.restore(fused.state())
    losses = [[float(trainer.step(random_batch(number), 0.02)) for number in range(3)] for trainer in (fused, composed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    one, other = fused.state(), composed.state()
    assert all(np.allclose(one[name], other[name], atol=1e-3) for name in one)
    moved = [name for name in one if "moving" in name]
    assert moved
    assert all(not np.allclose(one[name], one[name].flat[0]) for name in moved)


@pytest.mark.full
def test_deeper_network_grows_from_a_stable_checkpoint_with_the_same_output(trained: ml.train.run.Run) -> None:
    run = trained
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


def test_deeper_network_grows_from_finished_weights(finished: ml.train.run.Run) -> None:
    deep = Trainer(replace(finished.config, pairs=(0, 2)))
    deep.grow_from_finished(finished.out / "model.keras")
    state, weights = deep.state(), load_keras_weights(finished.out / "model.keras")
    assert all((state[f"weights/{name}"] == array).all() for name, array in weights.items())
    assert all((state[f"velocity/{name}"] == 0).all() for name in weights if f"velocity/{name}" in state)
    assert (state["weights/stage1_pair1b_norm/gamma"] == 0).all()
