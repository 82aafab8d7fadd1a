"""Reading FER2013 in its layouts, and joining the raters' votes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data import (
    FaceSet,
    UnreadableData,
    describe,
    find_near_twins,
    find_twins,
    join_votes,
    load_split,
    rater_majority,
    rater_shares,
    read_votes,
)
from ml.serve.expressions import EXPRESSIONS


def faces_of(*levels: int) -> FaceSet:
    """Return one noisy face for each level; equal levels are equal faces."""
    pixels = np.stack([np.random.default_rng(level).integers(0, 255, (48, 48)) for level in levels]).astype(np.uint8)
    return FaceSet(pixels, np.zeros(len(levels), np.int64), tuple(f"train/{place:05d}" for place in range(len(levels))))


def test_folder_with_images_is_read(tiny_data: Path) -> None:
    faces = load_split(tiny_data, "train")
    assert len(faces) == 21
    assert faces.pixels.shape == (21, 48, 48)
    assert faces.names[:4] == ("train/00000", "train/00001", "train/00002", "train/00010")
    assert [EXPRESSIONS[label] for label in faces.labels[::3]] == list(EXPRESSIONS)


def test_folder_without_images_and_zip_give_the_same_faces(tiny_data: Path, tmp_path: Path) -> None:
    faces = load_split(tiny_data, "validation")
    plain = load_split(tiny_data / "images", "validation")
    packed = load_split(Path(shutil.make_archive(str(tmp_path / "tiny"), "zip", tiny_data)), "validation")
    for other in (plain, packed):
        assert other.names == faces.names
        assert (other.pixels == faces.pixels).all()
        assert (other.labels == faces.labels).all()


def test_split_called_test_is_read(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_data / "images" / "validation", tmp_path / "test")
    faces = load_split(tmp_path, "test")
    assert len(faces) == 14
    assert faces.names[0] == "test/00100"


def test_original_csv_is_read_by_usage(tmp_path: Path) -> None:
    rows = ["emotion,pixels,Usage"]
    for emotion, usage in ((3, "Training"), (0, "PublicTest"), (6, "PrivateTest"), (4, "Training")):
        rows.append(f"{emotion},{' '.join(str((emotion * 7 + place) % 256) for place in range(48 * 48))},{usage}")
    (tmp_path / "fer2013.csv").write_text("\n".join(rows))
    faces = load_split(tmp_path / "fer2013.csv", "train")
    assert faces.names == ("train/00000", "train/00003")
    assert [EXPRESSIONS[label] for label in faces.labels] == ["happy", "sad"]
    assert faces.pixels[0, 0, :3].tolist() == [21, 22, 23]
    assert load_split(tmp_path / "fer2013.csv", "test").names == ("test/00002",)


def test_colour_pictures_become_grey_48(tmp_path: Path) -> None:
    (tmp_path / "train" / "happy").mkdir(parents=True)
    Image.new("RGB", (100, 100), (10, 10, 10)).save(tmp_path / "train" / "happy" / "Training_1.jpg")
    faces = load_split(tmp_path, "train")
    assert faces.pixels.shape == (1, 48, 48)
    assert faces.pixels[0, 20, 20] == 10


def test_unknown_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreadableData, match="train/<class>"):
        load_split(tmp_path, "train")
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UnreadableData, match="neither a folder"):
        load_split(tmp_path / "notes.txt", "train")


def test_votes_are_joined_by_row_number(tiny_data: Path) -> None:
    votes = read_votes(tiny_data / "votes.csv")
    faces = join_votes(load_split(tiny_data, "train"), votes)
    assert faces.votes is not None
    majority, tied = rater_majority(faces.votes)
    assert (majority == faces.labels).all()
    assert not tied.any()


def test_rows_without_a_number_are_joined_within_their_split(tmp_path: Path) -> None:
    header = "file,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    lines = "images/train/happy/x0000.png,0,9,0,0,0,0,0,0,0,1\nimages/validation/sad/x0000.png,0,0,0,8,0,0,0,0,0,2\n"
    (tmp_path / "votes.csv").write_text(header + lines)
    votes = read_votes(tmp_path / "votes.csv")
    one = faces_of(1)
    joined = join_votes(FaceSet(one.pixels, one.labels, ("validation/x0000",)), votes)
    assert joined.votes is not None
    assert joined.votes.tolist() == [[0, 0, 0, 8, 0, 0, 0, 0, 0, 2]]


def test_votes_for_other_faces_are_refused() -> None:
    votes = {"35886": (0, 9, 0, 0, 0, 0, 0, 0, 0, 1)}
    with pytest.raises(UnreadableData, match="none of the 3 faces"):
        join_votes(faces_of(1, 2, 3), votes)


def test_original_votes_file_is_read_row_by_row(tmp_path: Path) -> None:
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    (tmp_path / "fer2013new.csv").write_text(header + "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n")
    assert read_votes(tmp_path / "fer2013new.csv") == {"00000": (4, 0, 0, 1, 3, 2, 0, 0, 0, 0)}


def test_stray_votes_are_dropped_and_the_rest_sums_to_one() -> None:
    # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face
    shares, usable = rater_shares(np.array([[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 2, 0, 0, 8], [0] * 10]))
    assert shares[0].tolist() == pytest.approx([3 / 9, 2 / 9, 0, 0, 0, 0, 4 / 9])  # angry, disgust, ..., neutral
    assert usable.tolist() == [True, False, False]


def test_majority_outside_the_seven_is_none_and_ties_are_told() -> None:
    votes = np.array([[1, 7, 0, 0, 0, 0, 0, 2, 0, 0], [0, 2, 0, 0, 0, 0, 0, 7, 1, 0], [5, 0, 0, 5, 0, 0, 0, 0, 0, 0], [0] * 10])
    majority, tied = rater_majority(votes)
    assert majority.tolist() == [EXPRESSIONS.index("happy"), -1, EXPRESSIONS.index("neutral"), -1]
    assert tied.tolist() == [False, False, True, True]


def test_twins_across_splits_are_found() -> None:
    faces, others = faces_of(1, 2, 3), faces_of(3, 4)
    assert find_twins(faces, others).tolist() == [False, False, True]
    nearly = FaceSet(np.clip(others.pixels.astype(int) + 3, 0, 255).astype(np.uint8), others.labels, others.names)
    assert find_twins(faces, nearly).tolist() == [False, False, False]
    assert find_near_twins(faces, nearly).tolist() == [False, False, True]
    mirrored = FaceSet(nearly.pixels[:, :, ::-1], others.labels, others.names)
    assert find_near_twins(faces, mirrored).tolist() == [False, False, True]


def test_describe_counts_each_split(tiny_data: Path) -> None:
    counts = dict(describe(tiny_data, tiny_data / "votes.csv"))
    assert counts["train"] == {"faces": 21, **dict.fromkeys(EXPRESSIONS, 3), "with_votes": 21}
    assert counts["validation"]["exact_twins_in_train"] == 0
