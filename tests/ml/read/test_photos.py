"""From Python: photos in the order of their names, some at once, and whatever is in a file only its own failure."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.decode.rebuild import RebuiltPhoto
from ml.read import photos, read_photos
from ml.read.faces import PhotoReading
from ml.read.files import PhotoFile
from ml.read.photos import PhotoReader, in_order
from ml.serve.reader import FaceReader
from tests.factories import picture
from tests.hostile import CORPUS


def files(count: int) -> Iterator[PhotoFile]:
    return (PhotoFile(Path(f"{number}.jpg"), f"{number}.jpg") for number in range(count))


def test_order_is_that_of_the_files_and_few_wait() -> None:
    begun: list[str] = []
    both = threading.Event()

    def read(file: PhotoFile) -> PhotoReading:
        begun.append(file.name)
        if len(begun) > 1:
            both.set()
        assert both.wait(20), "one after the other"
        return PhotoReading(file.name, "no_face")

    results = in_order(read, files(1000), jobs=2)
    assert [next(results).file for _ in range(4)] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert len(begun) < 12
    results.close()  # type: ignore[attr-defined]  # it is a generator


def test_fault_of_the_reader_is_a_row_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    monkeypatch.setattr(photos, "rebuild_apart", lambda *_: RebuiltPhoto(64, 48, None, picture(), b""))
    monkeypatch.setattr(FaceReader, "read_faces", lambda *_: 1 / 0)
    (photo,) = read_photos(tmp_path)
    assert (photo.file, photo.state, photo.reason) == ("a.jpg", "failed", "reader_fault")
    assert "a.jpg could not be read" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_unknown_choice_and_missing_folder_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'biggest' is not"):
        read_photos(tmp_path, face="biggest")


@pytest.mark.full
@pytest.mark.slow("opens over a hundred files, each in a process of its own")
def test_every_hostile_file_gets_the_code_of_an_upload() -> None:
    reader = PhotoReader()
    with_code = {}
    for case in CORPUS:
        content = case.make()
        file = type("Made", (PhotoFile,), {"content": lambda self, made=content: made})(Path("x"), "x.jpg")
        photo = reader.read(file)
        with_code[case.what] = photo.reason if photo.state == "failed" else None
    assert with_code == {case.what: case.code for case in CORPUS}
