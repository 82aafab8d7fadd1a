"""Faces for the tests: a portrait that scikit-image carries, and a tiny data set of drawn patterns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from ml.data import VOTE_COLUMNS
from ml.serve.expressions import EXPRESSIONS
from ml.serve.reader import WEIGHTS, FaceReader
from ml.train.config import Config

VOTED = {"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness", "sad": "sadness", "surprise": "surprise"}


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of tests that load TensorFlow."""
    config.addinivalue_line("markers", "keras: loads TensorFlow, which takes seconds")


@pytest.fixture(scope="session")
def portrait() -> Image.Image:
    """Return a portrait of 512x512 pixels with one smiling face, about 118 px high at (225, 117)."""
    return Image.fromarray(astronaut())  # type: ignore[no-untyped-call]  # scikit-image ships no type hints


@pytest.fixture(scope="session")
def reader() -> FaceReader:
    """Return a reader with the weights that ship."""
    return FaceReader(WEIGHTS)


@pytest.fixture
def tiny_config() -> Config:
    """Return a recipe that trains in a second."""
    return replace(Config(), widths=(4, 8), pairs=(0, 1), batch=8, warmup_steps=2, norm_batches=4, small_side=24)


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
