"""The stages of the recipe: what each builds on, how long it is, and which one ships."""

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ml.data import load_split
from ml.serve.reader import WEIGHTS
from ml.train.config import RECIPE, Config, chain, recorded_config
from ml.train.schedule import work_left
from ml.train.training import chosen_runs

MAKEFILE = (Path(__file__).resolve().parents[3] / "Makefile").read_text()


def parsed_options(**options: object) -> argparse.Namespace:
    """Return what the command line says when only these options are given."""
    defaults: dict[str, object] = {"out": Path("runs"), "stage": None, "to": None, "epochs": None, "minutes": None}
    defaults |= {"batch": None, "rate": None, "teachers": Path("no teachers")}
    return argparse.Namespace(**defaults | options)


def test_a_stage_comes_after_all_that_it_builds_on() -> None:
    order = list(RECIPE)
    for name, stage in RECIPE.items():
        assert stage.epochs > 0
        for former in filter(None, (stage.stable_checkpoint, stage.finished, *stage.teachers)):
            assert order.index(former) < order.index(name)


def test_chain_holds_what_is_needed_and_nothing_else() -> None:
    assert chain("first") == ["first"]
    assert chain("sixth") == ["first", "second", "third", "fourth", "fifth", "sixth"]
    with pytest.raises(KeyError):
        chain("eighth")


def test_stages_are_run_in_order_each_with_its_own_recipe(tiny_data: Path) -> None:
    train, validation = (load_split(tiny_data, split) for split in ("train", "validation"))
    first, second, third = chosen_runs(parsed_options(to="third"), train, validation)
    assert (first.out, first.stable_checkpoint, first.teachers) == (Path("runs/first"), None, ())
    assert (second.out, second.stable_checkpoint, second.teachers) == (
        Path("runs/second"),
        Path("runs/first/stable.npz"),
        (Path("runs/first"),),
    )
    assert (third.out, third.stable_checkpoint, third.teachers) == (
        Path("runs/third"),
        Path("runs/second/model.keras"),
        (Path("runs/second"),),
    )
    for run in (first, second, third):
        assert (run.config, run.epochs, run.minutes) == (RECIPE[run.out.name].config, RECIPE[run.out.name].epochs, None)
    (sixth,) = chosen_runs(parsed_options(stage="sixth"), train, validation)
    assert (sixth.out, sixth.epochs, sixth.minutes) == (Path("runs/sixth"), RECIPE["sixth"].epochs, None)


def test_stage_reads_the_logits_of_a_teacher_where_there_are_any(tiny_data: Path, tmp_path: Path) -> None:
    train, validation = (load_split(tiny_data, split) for split in ("train", "validation"))
    (tmp_path / "sixth.npz").touch()
    apart, student = chosen_runs(parsed_options(to="student", teachers=tmp_path), train, validation)
    assert (apart.out, apart.stable_checkpoint, apart.teachers) == (Path("runs/apart"), None, ())
    assert student.teachers == (Path("runs/apart"), tmp_path / "sixth.npz")


def test_teacher_apart_is_the_one_whose_run_was_recorded() -> None:
    text = (
        "Config(seed=3001, widths=(16, 64, 128, 256), pairs=(0, 1, 1, 1), dropout=0.2, precision='mixed_bfloat16', batch=128, "
        "rate=0.06, momentum=0.9, weight_decay=0.0005, warmup_steps=300, decay_share=0.3, rest=0.0, average=0.995, "
        "average_share=0.0, start_share=0.0, norm_batches=80, smoothing=0.1, teacher_share=0.4, raters_weight=1.0, "
        "fer2013_weight=0.6, small_side=36, small_share=0.6, crop_side=44, shift=0.08, scale=0.12, rotation_degrees=10.0, "
        "brightness=0.15, contrast=0.25, soften_share=0.2, compress_share=0.1, mixup=0.0, erase_share=0.1, erase_side=0.4)"
    )
    assert recorded_config(text) == RECIPE["apart"].config


def test_hours_count_the_stages_that_come_after(tiny_data: Path) -> None:
    train, validation = (load_split(tiny_data, split) for split in ("train", "validation"))
    runs = chosen_runs(parsed_options(to="third"), train, validation)
    works = [work_left(run.config, run.epochs, 0, run.stable_checkpoint is not None) for run in runs]
    assert [run.later for run in runs] == pytest.approx([works[1] + works[2], works[2], 0])


def test_length_on_the_command_line_goes_before_the_recipes(tiny_data: Path) -> None:
    train, validation = (load_split(tiny_data, split) for split in ("train", "validation"))
    for stage in ("sixth", "first"):
        (counted,) = chosen_runs(parsed_options(stage=stage, epochs=3.0), train, validation)
        assert (counted.epochs, counted.minutes) == (3, None)
        (timed,) = chosen_runs(parsed_options(stage=stage, minutes=2.0), train, validation)
        assert timed.minutes == 2
    (own,) = chosen_runs(parsed_options(), train, validation)
    assert (own.config, own.out, own.epochs, own.minutes) == (RECIPE["first"].config, Path("runs"), RECIPE["first"].epochs, None)


def test_batch_and_rate_on_the_command_line_go_into_the_recipe(tiny_data: Path) -> None:
    train, validation = (load_split(tiny_data, split) for split in ("train", "validation"))
    for given, name in ((parsed_options(batch=512, rate=0.12), "first"), (parsed_options(stage="sixth", batch=512), "sixth")):
        (run,) = chosen_runs(given, train, validation)
        wanted = {"batch": 512} | ({"rate": given.rate} if given.rate else {})
        assert run.config == replace(RECIPE[name].config, **wanted)
        assert recorded_config(run.fingerprint["recipe"] if not run.stable_checkpoint else str(run.config)) == run.config


def test_recipe_recorded_before_a_number_was_added_is_the_same() -> None:
    config = RECIPE["sixth"].config
    text = str(config)
    assert recorded_config(text) == config
    assert recorded_config(text.replace(", erase_side=0.4", "")) == config
    assert recorded_config(text.replace("seed=2017", "seed=1")) == replace(config, seed=1)
    assert recorded_config(text.replace("mixup=", "mixing=")) is None
    assert recorded_config("None") is None


def test_weights_that_ship_are_of_the_stage_that_make_train_runs() -> None:
    stage = re.search(r"^STAGE \?= (\S+)$", MAKEFILE, re.MULTILINE)
    assert stage
    shipped = json.loads((WEIGHTS / "model.json").read_text())["config"]
    # Numbers that were added since are not in it, and change nothing.
    assert shipped == {name: json.loads(json.dumps(RECIPE[stage[1]].config.parameters))[name] for name in shipped}
    assert replace(Config(), **{name: value for name, value in RECIPE[stage[1]].config.parameters.items() if name in shipped}) == (
        RECIPE[stage[1]].config
    )
