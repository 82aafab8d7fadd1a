"""Continuing an output file: whole photos are kept, pieces are cut off, and other files are left alone."""

from pathlib import Path
from typing import cast

import pytest

from ml.read.output import OtherTable, Output
from ml.read.photos import PhotoReader
from ml.read.tables import CsvTable, JsonLines
from ml.serve.reader import WEIGHTS
from tests.ml.read.conftest import QuickReader, made_reading

TABLES = [pytest.param(CsvTable(), id="csv"), pytest.param(JsonLines(WEIGHTS), id="jsonl")]


def opened(path: Path, table: CsvTable | JsonLines, choice: str = "all") -> Output:
    return Output(path, table, cast(PhotoReader, QuickReader(choice)))


def written(path: Path, table: CsvTable | JsonLines, *photos: tuple[str, int]) -> bytes:
    output = opened(path, table)
    for name, faces in photos:
        output.add(made_reading(name, faces))
    output.close()
    return path.read_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_every_piece_of_a_killed_run_is_continued_to_the_same_file(tmp_path: Path, table: CsvTable | JsonLines) -> None:
    photos = (("a.jpg", 1), ("=b.jpg", 3), ("c.jpg", 0), ("d.jpg", 2))
    whole = written(tmp_path / "whole", table, *photos)
    step = 7 if isinstance(table, CsvTable) else 97
    for length in [*range(0, len(whole), step), len(whole) - 1, len(whole)]:
        path = tmp_path / f"{length}"
        path.write_bytes(whole[:length])
        output = opened(path, table)
        for name, faces in photos:
            if table.name_of(name) not in output.done:
                output.add(made_reading(name, faces))
        output.close()
        assert path.read_bytes() == whole, length


@pytest.mark.parametrize("table", TABLES)
def test_photos_that_are_there_are_done(tmp_path: Path, table: CsvTable | JsonLines) -> None:
    written(tmp_path / "out", table, ("a.jpg", 2), ("=b.jpg", 0))
    again = opened(tmp_path / "out", table)
    assert again.done == {"a.jpg", table.name_of("=b.jpg")}
    again.close()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("content", [b"hello", b"file,face\r\n1,2\r\n", b"\xff\xd8\xff\xe0\n", b"{}\n", b"\n\n", b"\0" * 64])
def test_file_of_someone_else_is_left_as_it_is(tmp_path: Path, table: CsvTable | JsonLines, content: bytes) -> None:
    path = tmp_path / "out"
    path.write_bytes(content)
    with pytest.raises(OtherTable, match="cannot be continued"):
        opened(path, table)
    assert path.read_bytes() == content


@pytest.mark.parametrize("table", TABLES)
def test_damaged_line_is_named(tmp_path: Path, table: CsvTable | JsonLines) -> None:
    whole = written(tmp_path / "out", table, ("a.jpg", 1), ("b.jpg", 1), ("c.jpg", 1))
    lines = whole.splitlines(keepends=True)
    lines[-2] = b"edited by hand\n"
    (tmp_path / "out").write_bytes(b"".join(lines))
    with pytest.raises(OtherTable, match=f"line {len(lines) - 1} is not of such a table"):
        opened(tmp_path / "out", table)


@pytest.mark.parametrize("table", TABLES)
def test_other_model_and_other_choice_of_faces_are_not_mixed(tmp_path: Path, table: CsvTable | JsonLines) -> None:
    whole = written(tmp_path / "out", table, ("a.jpg", 1))
    with pytest.raises(OtherTable, match="it was made with --face all"):
        opened(tmp_path / "out", table, "largest")
    (tmp_path / "out").write_bytes(whole.replace(b"0.5.0", b"0.4.0"))
    with pytest.raises(OtherTable, match=r"it was made with model 0\.4\.0, this is 0\.5\.0"):
        opened(tmp_path / "out", table)


def test_two_runs_do_not_write_to_one_file(tmp_path: Path) -> None:
    first = opened(tmp_path / "out", CsvTable())
    with pytest.raises(OtherTable, match="another run is writing to it"):
        opened(tmp_path / "out", CsvTable())
    first.close()
    opened(tmp_path / "out", CsvTable()).close()


def test_disk_that_is_full_leaves_whole_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(tmp_path / "out", CsvTable(), ("a.jpg", 1))
    output = opened(tmp_path / "out", CsvTable())
    real = output.file

    class Full:
        """Takes a few bytes, then no more."""

        def write(self, rest: memoryview) -> int:
            if len(rest) < 100:
                raise OSError(28, "No space left on device")
            return real.write(rest[:50]) or 0

        def truncate(self, size: int) -> int:
            return real.truncate(size)

    monkeypatch.setattr(output, "file", Full())
    with pytest.raises(OSError, match="No space left"):
        output.add(made_reading("b.jpg", 2))
    real.close()
    assert (tmp_path / "out").read_bytes() == whole
