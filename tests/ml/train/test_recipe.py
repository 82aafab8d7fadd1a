"""The stages of the recipe: what each builds on, how long it is, and which one ships."""

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ml.data import load_split
from ml.serve.reader import WEIGHTS
from ml.train.config import RECIPE, chain, recorded_config
from ml.train.training import chosen_runs

MAKEFILE = (Path(__file__).resolve().parents[3] / "Makefile").read_text()


def parsed_options(**options: object) -> argparse.Namespace:
    """Return what the command line says when only these options are given."""
    defaults: dict[str, object] = {"out": Path("runs"), "stage": None, "to": None, "epochs": None, "minutes": None}
    defaults |= {"batch": None, "rate": None}
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
    assert shipped == json.loads(json.dumps(RECIPE[stage[1]].config.parameters))
