"""Faces placed in photos and read again."""

import pytest

import ml.measure.parity
from ml.data import FaceSet
from ml.serve.reader import WEIGHTS


def test_faces_in_photos_are_read_by_the_reader(faces: FaceSet) -> None:
    found = ml.measure.parity.measure_parity(WEIGHTS, faces)
    assert (found["faces"], found["not_found"]["value"]) == (6, pytest.approx(1 / 6, abs=1e-4))
    assert (found["rejected"]["value"], found["to_choose"]["value"], found["reasons"]) == (0, 0, {})
    assert found["through_photos"]["raters"] == found["direct"]["raters"] == {"value": 1, "low": 1, "high": 1, "n": 5}
    assert found["kept"]["raters"]["value"] == 1
    assert found["kept_of_all"]["raters"]["value"] <= 1  # of six


def test_fewer_faces_are_drawn_when_asked_for(faces: FaceSet) -> None:
    assert ml.measure.parity.measure_parity(WEIGHTS, faces, 2)["faces"] == 2
