"""Faces placed in photos and read again."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data import FaceSet
from ml.measure.parity import measure_parity
from ml.measure.photos import fill_photo, large_and_small, sample_pictures
from ml.measure.refusals import measure_filling, measure_without_face
from ml.serve.reader import FaceReader


@pytest.mark.slow("reads photos with every look")
def test_faces_in_photos_are_read_by_the_reader(reader: FaceReader, faces: FaceSet) -> None:
    found = measure_parity(reader, faces)
    assert (found["faces"], found["not_found"]["value"]) == (6, pytest.approx(1 / 6, abs=1e-4))
    assert (found["rejected"]["value"], found["to_choose"]["value"], found["reasons"]) == (0, 0, {})
    assert found["through_photos"]["raters"] == found["direct"]["raters"] == {"value": 1, "low": 1, "high": 1, "n": 5}
    assert found["kept"]["raters"]["value"] == 1
    assert found["kept_of_all"]["raters"]["value"] <= 1  # of six


def test_fewer_faces_are_drawn_when_asked_for(reader: FaceReader, faces: FaceSet) -> None:
    assert measure_parity(reader, faces, 2)["faces"] == 2


def test_faces_that_fill_the_photo_are_counted_by_outcome(reader: FaceReader, faces: FaceSet) -> None:
    found = measure_filling(reader, faces.where(np.arange(len(faces)) >= 4), 2)
    assert (found["photos"], found["reasons"]) == (2, {})
    assert found["not_found"]["value"] == 0.5  # the blank one
    assert found["rejected"]["value"] == found["to_choose"]["value"] == 0


def test_filling_photo_holds_nothing_but_the_face() -> None:
    photo = fill_photo(np.full((48, 48), 90, np.uint8), np.random.default_rng(1))
    assert photo.getcolors() == [(photo.width * photo.height, (90, 90, 90))]
    assert 0.74 <= photo.width / photo.height <= 1


@pytest.mark.slow("reads photos with every look")
def test_pictures_without_a_face_are_read_at_three_sizes(reader: FaceReader, tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), "teal").save(tmp_path / "teal.png")
    assert [picture.size for picture in large_and_small(tmp_path / "teal.png")] == [(200, 100), (64, 32), (128, 64)]
    found = measure_without_face(reader, [tmp_path / "teal.png"], backgrounds=1)
    assert (found["photos"], found["read"]["value"], found["not_found"]["value"]) == (4, 0, 1)


def test_sample_pictures_show_no_people() -> None:
    names = [path.stem for path in sample_pictures()]
    assert "chelsea" in names
    assert not {"astronaut", "camera"} & set(names)
