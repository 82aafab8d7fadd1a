"""Explanations: they lie where the expression is, and are drawn dark where the probability drops."""

import io

import numpy as np
import pytest
from PIL import Image

from ml.measure.explanations import PARTS
from ml.serve.explain import Explanation, cover_faces, make_covers
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import Pixels
from ml.serve.reader import FaceReader

HAPPY = EXPRESSIONS.index("happy")


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
    explanation = reader.explain(smile)
    assert explanation.expression == HAPPY
    assert explanation.probability == pytest.approx(reader.probabilities_of(smile)[HAPPY])
    mouth, brows = (explanation.drops[PARTS[part]] for part in ("mouth", "brows"))
    assert mouth.mean() > abs(brows.mean())
    assert mouth.max() == explanation.drops.max() > 1.5 * brows.max()


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
