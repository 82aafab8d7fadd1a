"""Readings made by hand, and a reader that needs no network."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import ml.read.__main__
from ml.read.faces import FaceReading, PhotoReading
from ml.read.files import PhotoFile
from ml.serve.expressions import EXPRESSIONS, FaceBox

SHARES = dict(zip(EXPRESSIONS, (0.03125, 0.0, 0.0, 0.75, 0.0, 0.0, 0.21875), strict=True))


def made_reading(file: str, faces: int = 1, choice: str = "all") -> PhotoReading:
    """Return a reading in which every face is read alike."""
    box = FaceBox(8.4, 6.5, 24, 30)
    found = tuple(FaceReading(number, box, 0.9, 0.0, "done", None, SHARES, 0.71875, False) for number in range(1, faces + 1))
    state = "done" if faces else "no_face"
    return PhotoReading(file, state, None, "ab" * 32, None, 640, 480, found, choice, "0.5.0", {"open": 1.0})


class QuickReader:
    """Stands in for a PhotoReader. A file's text says how many faces it shows; without a number it is damaged."""

    def __init__(self, face: str = "clear", *_: object) -> None:
        self.choice = face
        self.reader = SimpleNamespace(model_version="0.5.0")
        self.files_read: list[str] = []

    def read(self, file: PhotoFile) -> PhotoReading:
        """Return a reading made by hand."""
        self.files_read.append(file.name)
        text = file.path.read_text()
        if not text.isdigit():
            return PhotoReading(file.name, "failed", "unreadable", "cd" * 32, face_choice=self.choice)
        return made_reading(file.name, int(text), self.choice)


Command = Callable[..., int]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[QuickReader]:
    """Let the command use quick readers; returns those that were opened."""
    opened: list[QuickReader] = []

    def open_one(*arguments: str) -> QuickReader:
        opened.append(QuickReader(*arguments))
        return opened[-1]

    monkeypatch.setattr(ml.read.__main__, "PhotoReader", open_one)
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of five photos for quick readers, one of them damaged, in two folders."""
    photos = tmp_path / "photos"
    (photos / "later").mkdir(parents=True)
    for name, text in (("b.jpg", "1"), ("a.JPG", "3"), ("c.png", "damaged"), ("later/d.heic", "0"), ("later/e.jpg", "1")):
        (photos / name).write_text(text)
    (photos / "notes.txt").write_text("not a photo")
    (photos / "._b.jpg").write_text("what macOS puts beside a photo")
    return photos
