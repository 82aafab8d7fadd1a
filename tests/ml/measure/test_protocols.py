"""The protocols of counting votes, on a handful of faces that one can count by hand."""

import numpy as np
import pytest

from ml.data import CONTEMPT, VOTE_COLUMNS, VOTED_EXPRESSIONS, FaceSet, barsoum_majority
from ml.measure.evaluate import measure_heads
from ml.measure.protocols import measure_agreements, measure_barsoum, measure_other_truth
from ml.serve.expressions import EXPRESSIONS

ANGRY, FEAR, HAPPY, SAD, NEUTRAL = (EXPRESSIONS.index(name) for name in ("angry", "fear", "happy", "sad", "neutral"))


def votes_of(*faces: dict[str, int]) -> np.ndarray:
    """Return votes (N, 10) of faces given as numbers of votes by column."""
    return np.array([[face.get(column, 0) for column in VOTE_COLUMNS] for face in faces])


@pytest.mark.parametrize(
    ("face", "counted"),
    [
        ({"happiness": 10}, HAPPY),
        # 4 of 7 once three lone votes are dropped, though only 4 of 10 as cast.
        ({"anger": 4, "neutral": 3, "fear": 1, "disgust": 1, "unknown": 1}, ANGRY),
        # Exactly half is not more than half: 4 of 8.
        ({"sadness": 4, "neutral": 4, "fear": 1, "anger": 1}, -1),
        ({"sadness": 5, "neutral": 5}, -1),
        # Unknown stays in the sum: 5 of 10, where it would be 5 of 8 without it.
        ({"sadness": 5, "neutral": 2, "unknown": 3}, -1),
        # One vote for unknown alone does not: 5 of 9.
        ({"sadness": 5, "neutral": 4, "unknown": 1}, SAD),
        ({"unknown": 7, "neutral": 3}, -1),
        ({"NF": 10}, -1),
        ({"contempt": 6, "neutral": 4}, CONTEMPT),
        # All votes alone: none is left.
        (dict.fromkeys(VOTE_COLUMNS, 1), -1),
        ({}, -1),
    ],
)
def test_majority_is_counted_as_the_authors_of_the_votes_do(face: dict[str, int], counted: int) -> None:
    assert barsoum_majority(votes_of(face)).tolist() == [counted]


def test_every_column_of_the_seven_has_its_place_in_that_protocol() -> None:
    faces = votes_of(*({column: 9, "NF": 1} for column in VOTE_COLUMNS[:7]))
    assert [EXPRESSIONS[place] for place in barsoum_majority(faces)] == list(VOTED_EXPRESSIONS)


def test_contempt_is_wrong_and_unclear_faces_are_left_out() -> None:
    votes = votes_of(
        {"happiness": 9, "NF": 1}, {"sadness": 6, "neutral": 4}, {"contempt": 8, "neutral": 2}, {"fear": 5, "anger": 5}
    )
    found = measure_barsoum(np.array([HAPPY, NEUTRAL, NEUTRAL, FEAR]), votes)
    assert (found["accuracy"]["value"], found["accuracy"]["n"]) == (pytest.approx(1 / 3, abs=1e-4), 3)
    assert (found["contempt"], found["left_out"]) == (1, 1)


def test_faces_are_told_by_how_many_raters_agree() -> None:
    votes = votes_of(
        {"happiness": 10},
        {"happiness": 9, "NF": 1},
        {"happiness": 8, "neutral": 2},
        {"sadness": 6, "neutral": 4},
        # A tie: the first in the order of the file counts, here neutral.
        {"sadness": 5, "neutral": 5},
        {"unknown": 9, "neutral": 1},
    )
    named = np.array([HAPPY, HAPPY, SAD, SAD, NEUTRAL, NEUTRAL])
    found = measure_agreements(named, np.array([0.9, 0.8, 0.6, 0.7, 0.5, 0.1]), votes)

    def row(name: str) -> list[float]:
        accuracy, probability = found[name]["accuracy"], found[name]["named_probability"]
        return [accuracy["n"], accuracy["value"], probability["value"]] if accuracy and probability else []

    assert row("ten of ten") == [1, 1, 0.9]
    assert row("eight or nine of ten") == [2, 0.5, 0.7]
    assert row("six or seven of ten") == [1, 1, 0.7]
    assert row("five of ten or fewer") == [1, 1, 0.5]
    assert row("more than five of ten") == [4, 0.75, 0.75]


def test_no_face_makes_no_figure() -> None:
    found = measure_agreements(np.array([HAPPY]), np.array([0.9]), votes_of({"happiness": 10}))
    assert found["five of ten or fewer"] == {"accuracy": None, "named_probability": None}
    assert measure_other_truth(np.array([-1]), np.array([HAPPY])) == {"accuracy": None, "macro_f1": None}


def test_each_head_is_measured_against_the_truth_of_both() -> None:
    votes = votes_of({"happiness": 10}, {"sadness": 10}, {"neutral": 10}, {"contempt": 10})
    labels = np.array([HAPPY, SAD, SAD, ANGRY])
    faces = FaceSet(np.zeros((4, 48, 48), np.uint8), labels, tuple("0123"), votes)
    # The raters' head names what most raters say, its other half what the labels say: both are certain.
    logits = 50 * np.eye(7)[np.array([[HAPPY, SAD, NEUTRAL, NEUTRAL], labels])]
    logits[1, 0] = 0  # of the label's head one answer is no answer: all seven alike, so that angry, the first, is named
    found = measure_heads(logits, faces, 1.0)
    assert found["raters"]["accuracy"]["value"] == 1
    assert found["raters"]["against_labels"]["accuracy"]["value"] == 0.5
    assert found["fer2013"]["accuracy"]["value"] == 0.75
    # Contempt is none of the seven: of the three other faces only the second has the majority's name.
    assert found["fer2013"]["against_majority"]["accuracy"]["n"] == 3
    assert found["fer2013"]["against_majority"]["accuracy"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["fer2013"]["against_majority"]["macro_f1"]["value"] == pytest.approx((0 + 2 / 3 + 0) / 3, abs=1e-4)
    assert found["fer2013"]["ece"]["value"] == pytest.approx(1 / 7 / 4, abs=1e-4)  # a seventh on the face that is wrong
    assert found["raters"]["barsoum"]["accuracy"]["value"] == 0.75
    assert measure_heads(logits, FaceSet(faces.pixels, labels, faces.names), 1.0)["fer2013"]["against_majority"] is None
