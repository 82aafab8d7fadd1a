"""How other readers are compared with ours: what counts as right, and what as found."""

import numpy as np

from benchmarks.peers.__main__ import faces_found, shares_right
from benchmarks.peers.document import document_of
from ml.data import VOTE_COLUMNS, FaceSet
from ml.serve.expressions import EXPRESSIONS, FaceBox


def faces_with(majorities: list[str], labels: list[str]) -> FaceSet:
    votes = np.array([[7 * (column == majority) for column in VOTE_COLUMNS] for majority in majorities])
    numbers = np.array([EXPRESSIONS.index(label) for label in labels])
    return FaceSet(np.zeros((len(labels), 48, 48), np.uint8), numbers, tuple(map(str, range(len(labels)))), votes)


def test_majority_counts_where_it_is_one_of_seven_and_the_second_head_answers_for_the_labels() -> None:
    faces = faces_with(["happiness", "sadness", "contempt", "fear"], ["happy", "sad", "angry", "sad"])
    one_answer = shares_right({"labels": ["happy", "neutral", "happy", "fear"]}, faces)
    assert one_answer == {"majority_percent": 66.7, "labels_percent": 25.0}
    two = shares_right({"labels": ["happy", "sad", "happy", "fear"], "second_labels": ["happy", "sad", "angry", "fear"]}, faces)
    assert two == {"majority_percent": 100.0, "labels_percent": 75.0}


def test_face_is_found_by_a_box_that_overlaps_it_and_one_that_may_be_missed_is_no_false_one() -> None:
    marked = [[(FaceBox(0, 0, 10, 10), False), (FaceBox(50, 0, 10, 10), True), (FaceBox(80, 0, 10, 10), False)], []]
    boxes = [[[1.0, 1.0, 10.0, 10.0], [50.0, 1.0, 10.0, 10.0]], [[5.0, 5.0, 9.0, 9.0]]]
    assert faces_found({"boxes": boxes}, marked) == {"faces_found": 1, "faces_marked": 2, "false_faces": 1}


def test_document_has_a_row_for_each_reader() -> None:
    row = {"name": "one", "faces": 9, "majority_percent": 50.5, "labels_percent": 40.0, "faces_found": 3, "faces_marked": 4}
    row |= {"false_faces": 1, "cpu_ms_0.3_mp": 10, "cpu_ms_2_mp": 20, "cpu_ms_12_mp": 30, "peak_mb": 200, "first_answer_s": 0.5}
    assert "| one | 50.5 | 40.0 | 3 of 4 | 1 | 10 / 20 / 30 | 200 | 0.5 |" in document_of([row, row | {"name": "two"}])
