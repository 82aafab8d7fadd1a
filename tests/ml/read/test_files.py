"""Which files of a folder are read, what they are called, and what is not opened."""

import os
from pathlib import Path

import pytest

from ml.decode.formats import MAX_BYTES, UndecodablePhoto
from ml.read.files import PhotoFile, find_photos, plain_name


def names(paths: list[Path], recursive: bool = False) -> list[str]:
    return [file.name for file in find_photos(paths, recursive)]


def test_folder_gives_its_photos_by_name_and_no_other_file(folder: Path) -> None:
    assert names([folder]) == ["a.JPG", "b.jpg", "c.png"]


def test_recursive_gives_the_photos_of_inner_folders_too(folder: Path) -> None:
    assert names([folder], recursive=True) == ["a.JPG", "b.jpg", "c.png", "later/d.heic", "later/e.jpg"]


def test_named_files_are_read_whatever_their_ending_is(folder: Path) -> None:
    paths = [folder / "notes.txt", folder / "missing.jpg"]
    assert names(paths) == [str(path) for path in paths]


def test_link_to_a_folder_is_not_followed(folder: Path) -> None:
    (folder / "round").symlink_to(folder)
    assert len(names([folder], recursive=True)) == 5


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Zoë 3.jpg", "Zoë 3.jpg"),
        ("two\nlines.jpg", r"two\nlines.jpg"),
        ("bell\x07.jpg", r"bell\x07.jpg"),
        (os.fsdecode(b"latin \xe9.jpg"), r"latin \xe9.jpg"),
        ("break\u2028.jpg", r"break\u2028.jpg"),
    ],
)
def test_name_becomes_one_line_of_valid_text(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UndecodablePhoto) as refused:
        PhotoFile(large, "large.jpg").content()
    assert refused.value.code == "too_large"


def test_pipe_and_folder_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for name in ("pipe.jpg", "folder.jpg"):
        with pytest.raises(OSError, match=r"not a file|directory"):
            PhotoFile(tmp_path / name, name).content()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_inner_folder_that_cannot_be_listed_is_in_the_table(folder: Path) -> None:
    (folder / "later").chmod(0)
    assert names([folder], recursive=True)[-1] == "later/"
