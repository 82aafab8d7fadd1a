"""Make a weights folder of a training run: averaged weights, ONNX file, calibration, model.json and report.json.

    python -m ml.train.release --run runs/next --data fer2013.zip --votes fer2013_ferplus.csv --version 0.1.0 --out ml/weights

With --again instead of --run it remakes everything but model.keras, after a change of `ml.train.export` or of a measure. The
report always starts empty: `ml.measure.parity`, `ml.measure.explanations` and `ml.measure.cost` then add to it, and
`ml.measure.fairness` must be run again.
"""

import argparse
import hashlib
import json
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import FaceSet, hash_faces, join_votes, load_split, read_votes
from ml.intervals import mean_of
from ml.measure.calibrate import all_logits, calibrate
from ml.measure.evaluate import evaluate, summary
from ml.measure.report import tell_unreadable
from ml.serve.card import ModelCard, load_card
from ml.serve.engines import Engine, load_keras, open_engine, softmax
from ml.serve.expressions import HEADS
from ml.serve.preprocess import measure_normaliser
from ml.train.config import RECIPE, Config, recorded_config
from ml.train.export import to_onnx
from ml.train.schedule import steps_per_epoch
from ml.train.trainer import Arrays, averages, finished_model, load_arrays


def release(
    run: Path,
    train: FaceSet,
    validation: FaceSet,
    version: str,
    out: Path,
    robustness: bool = False,
    config: Config | None = None,
) -> dict[str, Any]:  # Any: the report, as JSON
    """Write the weights folder from the run's last state and return its report on the validation faces.

    Raises ValueError when the run was made with another recipe than `config`, if one is given, or of other faces than `train`.
    """
    config, state = last_state(run, config, train)
    model = finished_model(config, state, train.pixels, measure_normaliser(train.pixels), config.norm_batches)
    out.mkdir(parents=True, exist_ok=True)
    save_model(model, out / "model.keras")
    training = {
        "steps": int(state["step"]),
        "epochs": round(int(state["step"]) / steps_per_epoch(len(train), config), 1),
        "minutes": round(float(state["seconds"]) / 60, 1),
        "precision": str(state["precision"]),
        "backend": str(state.get("backend", "tensorflow")),
    }
    return derive(out, train, validation, version, config.parameters, training, robustness)


def save_model(model: Any, path: Path) -> None:  # Any: Keras ships no type hints
    """Write the network as a .keras file."""
    with warnings.catch_warnings():
        # Keras 3.15 copies each variable with numpy, but its variables do not know numpy 2's `copy` keyword.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
        model.save(path)


def derive(
    out: Path,
    train: FaceSet,
    validation: FaceSet,
    version: str,
    config: dict[str, Any],  # Any: numbers and lists of numbers, as model.json has them
    training: dict[str, Any],  # Any: likewise
    robustness: bool = False,
) -> dict[str, Any]:  # Any: the report, as JSON
    """Write everything that follows from the model.keras in `out`, and return the report on the validation faces.

    Raises ValueError when model.keras is not a Keras file.
    """
    content = (out / "model.keras").read_bytes()
    model, normaliser = load_keras(out / "model.keras", content), measure_normaliser(train.pixels)
    served = to_onnx(model, train.pixels, normaliser, config["seed"])
    (out / "model.onnx").write_bytes(served)
    hashes = [hashlib.sha256(file).hexdigest() for file in (content, served)]
    card = ModelCard(version, normaliser, 1.0, 0.0, hashes[0], hashes[1], hash_faces(train), config=config)
    engine = open_engine("onnx", out, card)
    temperature, threshold = calibrate(engine, validation, normaliser)
    card = replace(card, temperature=temperature, abstain_below=threshold)
    card.save(out / "model.json")
    report = {
        "split": "validation",
        "engine": "onnx",
        "parameters": int(model.count_params()),
        "training": training,
        "rounding": measure_rounding(engine, open_engine("keras", out, card), card, validation),
        **evaluate(engine, card, validation, train, robustness),
    }
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    return report


def measure_rounding(served: Engine, trained: Engine, card: ModelCard, faces: FaceSet) -> dict[str, Any]:  # Any: a JSON object
    """Return how far the probabilities of the served network, in 8-bit integers, are from those of the trained network."""
    head = HEADS.index(card.served_head)
    ours, theirs = (softmax(all_logits(engine, faces, card.normaliser)[head] / card.temperature) for engine in (served, trained))
    difference = np.abs(ours - theirs)  # (N, 7)
    return {
        "named_alike": mean_of(ours.argmax(axis=1) == theirs.argmax(axis=1)),
        "mean_difference": round(float(difference.mean()), 4),
        "largest_difference": round(float(difference.max()), 4),
    }


def last_state(run: Path, config: Config | None, train: FaceSet) -> tuple[Config, Arrays]:
    """Return the recipe of a run and the state it ended with, its averages mixed with what it began with where the recipe says so.

    Raises ValueError when the run was made with another recipe than `config`, if one is given, or of other faces.
    """
    state = load_arrays(run / "state.npz")
    recorded = recorded_config(str(state["recipe"]))
    if recorded is None or (config or recorded) != recorded or str(state["faces"]) != hash_faces(train):
        raise ValueError(f"{run} was made with another recipe or of other faces: name its --stage and its --data")
    if share := recorded.start_share:
        start = load_arrays(run / "start.npz")
        state |= {name: share * start[name] + (1 - share) * array for name, array in averages(state).items()}
    return recorded, state


@tell_unreadable()
def main() -> int:
    """Release as the command line says. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path, help="run folder of ml.train.training")
    source.add_argument("--again", action="store_true", help="the model.keras that lies in --out")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    parser.add_argument("--version", required=True, help="version the readings will carry")
    parser.add_argument("--out", type=Path, required=True, help="weights folder to write")
    parser.add_argument("--stage", choices=RECIPE, help="stage of the recipe that the run must be (default: any)")
    parser.add_argument("--robustness", action="store_true", help="measure changed faces too")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    votes = read_votes(options.votes)
    train, validation = (join_votes(load_split(options.data, split), votes) for split in ("train", "validation"))
    if options.again:
        card, training = load_card(options.out), json.loads((options.out / "report.json").read_text())["training"]
        report = derive(options.out, train, validation, options.version, card.config, training, options.robustness)
    else:
        config = RECIPE[options.stage].config if options.stage else None
        report = release(options.run, train, validation, options.version, options.out, options.robustness, config)
    sys.stdout.write(summary(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
