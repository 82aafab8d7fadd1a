"""Faces for the tests: a portrait that scikit-image carries, and a tiny data set of drawn patterns."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import ml.train.release
import ml.train.run
import ml.train.training
from ml.data import VOTE_COLUMNS
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Pixels, to_pixels
from ml.serve.reader import WEIGHTS, FaceReader
from ml.train.config import Config
from tests.ml.runs import TINY, MakeRun, run_on

VOTED = {"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness", "sad": "sadness", "surprise": "surprise"}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of tests that load TensorFlow."""
    config.addinivalue_line("markers", "keras: loads TensorFlow, which takes seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that load TensorFlow to one process: a second would load it and train its tiny network once more."""
    for item in items:
        if item.get_closest_marker("keras"):
            item.add_marker(pytest.mark.xdist_group("keras"))


@pytest.fixture(scope="session")
def portrait() -> Image.Image:
    """Return a portrait of 512x512 pixels with one smiling face, about 118 px high at (225, 117)."""
    return Image.fromarray(astronaut())


@pytest.fixture
def smile(portrait: Image.Image) -> Pixels:
    """Return the portrait's smiling face as the network sees it."""
    return to_pixels(portrait.crop((163, 55, 287, 179)))


@pytest.fixture(scope="session")
def reader() -> FaceReader:
    """Return a reader with the weights that ship."""
    return FaceReader(WEIGHTS)


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """Return a recipe that trains in a second."""
    return TINY


def draw_face(index: int, number: int) -> Image.Image:
    """Return a 48x48 pattern: stripes whose width tells the class, and noise that makes each one different."""
    noise = np.random.default_rng((index, number)).integers(0, 80, (48, 48))
    stripes = (np.arange(48) // (index + 2) % 2) * 150
    return Image.fromarray((noise + stripes).astype(np.uint8))


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set in the Kaggle layout: three faces of each class in train, two in validation, and votes.csv beside."""
    folder = tmp_path_factory.mktemp("tiny")
    lines = ["file," + ",".join(VOTE_COLUMNS)]
    for split, count, first in (("train", 3, 0), ("validation", 2, 100)):
        for index, name in enumerate(EXPRESSIONS):
            place = folder / "images" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                row = first + 10 * index + number
                draw_face(index, row).save(place / f"{row:05d}.png")
                votes = dict.fromkeys(VOTE_COLUMNS, 0) | {VOTED.get(name, "neutral"): 8, "unknown": 2}
                lines.append(f"images/{split}/{name}/{row:05d}.png," + ",".join(str(votes[column]) for column in VOTE_COLUMNS))
    (folder / "votes.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def make_run(tiny_data: Path, tiny_config: Config, tmp_path: Path) -> MakeRun:
    """Return a maker of runs on the tiny data set."""
    return lambda name, epochs=4: run_on(tiny_data, tiny_config, tmp_path / name, epochs)


@pytest.fixture(scope="session")
def trained(tiny_data: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> ml.train.run.Run:
    """Return a trained run of four epochs. Tests share its folder: a test that changes it takes a copy."""
    run = run_on(tiny_data, tiny_config, tmp_path_factory.mktemp("trained") / "run", 4)
    ml.train.training.train(run)
    return run


@pytest.fixture(scope="session")
def finished(tiny_data: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> ml.train.run.Run:
    """Return a trained run of one epoch with finished and measured weights in its folder, which tests share likewise."""
    run = run_on(tiny_data, tiny_config, tmp_path_factory.mktemp("finished") / "run", 1)
    ml.train.training.train(run)
    ml.train.release.release(run.out, run.train, run.validation, "0.0.9", run.out, config=run.config)
    return run


@pytest.fixture
def released(finished: ml.train.run.Run, tmp_path: Path) -> Path:
    """Return a weights folder with the finished weights, which a test may change."""
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("model.keras", "model.onnx", "model.json", "report.json"):
        shutil.copy(finished.out / name, weights)
    return weights
