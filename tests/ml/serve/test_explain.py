"""The maps of what moved a score: they lie where the expression is, add up, and depend on what was learned."""

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ml.measure.explanations
from ml.measure.explanations import PARTS, shuffle_weights
from ml.serve.engines import KerasEngine
from ml.serve.explain import Explanation, cover_faces, explain, make_covers
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Pixels, to_pixels
from ml.serve.reader import WEIGHTS, FaceReader

HAPPY = EXPRESSIONS.index("happy")


@pytest.fixture
def smile(portrait: Image.Image) -> Pixels:
    """Return the portrait's smiling face as the network sees it."""
    return to_pixels(portrait.crop((163, 55, 287, 179)))


def test_every_place_is_covered_as_often_as_its_mirror_image() -> None:
    times = make_covers().sum(axis=0)
    assert times.shape == (48, 48)
    assert times.min() > 0
    assert np.allclose(times, times[:, ::-1])
    assert np.allclose(times, times[::-1])


def test_cover_hides_its_place_and_nothing_far_from_it(smile: Pixels) -> None:
    covers = make_covers()
    faces = cover_faces(smile, covers)
    assert faces.shape == (1 + len(covers), 48, 48)
    assert np.array_equal(faces[0], smile)
    for face, cover in zip(faces[1:], covers, strict=True):
        assert np.allclose(face[cover == 1], smile.mean())
        assert np.array_equal(face[cover == 0], smile[cover == 0].astype(np.float32))


def test_smile_is_named_by_the_mouth(reader: FaceReader, smile: Pixels) -> None:
    found = reader.explain(smile)
    assert found.expression == HAPPY
    assert found.probability == pytest.approx(reader.probabilities_of(smile)[HAPPY])
    mouth, brows = (found.drops[PARTS[part]] for part in ("mouth", "brows"))
    assert mouth.mean() > abs(brows.mean())
    assert mouth.max() == found.drops.max() > 1.5 * brows.max()


def test_clear_smiles_are_named_by_the_mouth_and_anger_by_the_brows() -> None:
    parts = json.loads((WEIGHTS / "report.json").read_text())["explanations"]["by_expression"]
    assert parts["happy"]["mouth"]["low"] > parts["happy"]["brows"]["high"]
    assert parts["angry"]["brows"]["value"] > 1.5 * parts["angry"]["mouth"]["value"]


def test_map_turns_with_the_mirror(reader: FaceReader, smile: Pixels) -> None:
    plain, mirrored = reader.explain(smile).drops, reader.explain(smile[:, ::-1]).drops
    assert np.allclose(plain, mirrored[:, ::-1], atol=1e-5)


def test_other_expressions_can_be_asked_for(reader: FaceReader, smile: Pixels) -> None:
    neutral = reader.explain(smile, EXPRESSIONS.index("neutral"))
    assert neutral.expression == EXPRESSIONS.index("neutral")
    assert neutral.drops[PARTS["mouth"]].mean() < 0  # without the smile it would be more neutral


def test_drawing_is_darkest_where_most_is_lost_and_pale_where_nothing_is(smile: Pixels) -> None:
    drops = np.zeros((48, 48), np.float32)
    drops[32:44, 16:32] = 0.5
    with Image.open(io.BytesIO(Explanation(HAPPY, 0.9, drops).draw(smile))) as drawn:
        grey = np.asarray(drawn.convert("L"), np.int64)
    assert grey[144:160, 80:112].max() < 115 <= grey[:100].min()
    with Image.open(io.BytesIO(Explanation(HAPPY, 0.9, drops * np.float32(0.01)).draw(smile))) as faint:
        assert np.asarray(faint.convert("L")).min() > 90


@pytest.mark.keras
@pytest.mark.filterwarnings("default")
def test_map_is_another_when_the_weights_are_shuffled(reader: FaceReader, smile: Pixels) -> None:
    engine = KerasEngine(WEIGHTS, reader.card)
    learned = explain(engine, reader.card, smile, HAPPY).drops
    served = reader.explain(smile, HAPPY).drops
    assert np.abs(learned - served).max() < 0.005  # what serves is rounded
    assert np.corrcoef(learned.ravel(), served.ravel())[0, 1] > 0.98
    shuffle_weights(engine.model)
    assert abs(np.corrcoef(learned.ravel(), explain(engine, reader.card, smile, HAPPY).drops.ravel())[0, 1]) < 0.5


@pytest.mark.keras
@pytest.mark.filterwarnings("default")
def test_measures_go_into_the_report(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(WEIGHTS, weights)
    arguments = ["--weights", weights, "--data", tiny_data, "--votes", tiny_data / "votes.csv", "--count", "1"]
    monkeypatch.setattr(sys, "argv", ["explain", *map(str, arguments)])
    assert ml.measure.explanations.main() == 0
    found = json.loads((weights / "report.json").read_text())["explanations"]
    assert set(found["by_expression"]) == set(EXPRESSIONS)
    assert found["by_expression"]["happy"]["faces"] == 1
    assert -1 <= found["correlation_when_shuffled"]["value"] <= 1
