"""The command: exit statuses, what it prints where, and what happens when it is run again or killed."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml.read.__main__ import main
from ml.read.faces import PhotoReading
from tests.cohort import FOLDER, clear_portraits
from tests.ml.read.conftest import QuickReader

PROJECT = Path(__file__).resolve().parents[3]
# The command with quick readers that take their time.
SLOW = """
import sys, time
import ml.read.__main__ as command
from tests.ml.read.conftest import QuickReader
class Slow(QuickReader):
    def read(self, file):
        time.sleep(0.01)
        return super().read(file)
command.PhotoReader = Slow
sys.exit(command.main(sys.argv[1:]))
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_folder_becomes_a_table_and_a_damaged_file_a_row(
    folder: Path, quick: list[QuickReader], capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "readings.csv"
    assert main([str(folder), "--recursive", "--face", "all", "--out", str(out)]) == 1
    table = rows(out.read_text())
    assert [(row["file"], row["face"], row["state"], row["reason"]) for row in table] == [
        ("a.JPG", "1", "done", ""),
        ("a.JPG", "2", "done", ""),
        ("a.JPG", "3", "done", ""),
        ("b.jpg", "1", "done", ""),
        ("c.png", "", "failed", "unreadable"),
        ("later/d.heic", "", "no_face", ""),
        ("later/e.jpg", "1", "done", ""),
    ]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("affectline-read: 5 photos: 3 read, 1 without a face, 1 could not be opened (")


def test_status_is_0_if_every_file_could_be_opened(folder: Path, quick: list[QuickReader]) -> None:
    (folder / "c.png").unlink()
    assert main([str(folder), "--quiet"]) == 0


def test_missing_confinement_is_told(
    folder: Path, quick: list[QuickReader], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.read.__main__.missing_layers", lambda: frozenset({"seccomp", "landlock"}))
    main([str(folder / "b.jpg")])
    told = capsys.readouterr().err.splitlines()[1]
    assert told == ("affectline-read: this system lacks a part of what confines the process that opens photos: landlock, seccomp")


def test_without_out_the_table_is_printed_and_nothing_else(
    folder: Path, quick: list[QuickReader], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    main([str(folder), "--format", "jsonl", "--quiet"])
    printed = capsysbinary.readouterr()
    assert [json.loads(line)["file"] for line in printed.out.splitlines()] == ["a.JPG", "b.jpg", "c.png"]
    assert printed.err == b""


def test_second_run_reads_only_what_is_new(folder: Path, quick: list[QuickReader], capsys: pytest.CaptureFixture[str]) -> None:
    command = [str(folder), "--out", str(folder / "readings.csv"), "--jobs", "3"]
    main(command)
    (folder / "aa.jpg").write_text("1")
    assert main(command) == 0
    assert [reader.files_read for reader in quick] == [["a.JPG", "b.jpg", "c.png"], ["aa.jpg"]]
    assert "1 photo: 1 read, 3 in the file already" in capsys.readouterr().err


def test_progress_is_shown_on_a_terminal_alone(folder: Path, quick: list[QuickReader], monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, has_bar in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        main([str(folder), "--out", str(folder / f"{has_bar}.csv")])
        assert ("3/3 [" in stream.getvalue()) is has_bar


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing"], "there is no missing"),
        ([".", "."], "name one folder, or files"),
        ([".", "--face", "biggest"], "'biggest' is not clear, largest, all or a number from 1"),
        ([".", "--jobs", "0"], "'0' is not a number from 1"),
        ([".", "--format", "text", "--out", "x"], "--out holds csv or jsonl"),
        ([], "the following arguments are required"),
    ],
)
def test_wrong_use_ends_with_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_file_that_cannot_be_continued_ends_with_2(
    folder: Path, quick: list[QuickReader], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--out", str(folder / "notes.txt")]) == 2
    assert "notes.txt cannot be continued: it is not such a table" in capsys.readouterr().err
    assert (folder / "notes.txt").read_text() == "not a photo"


def test_missing_weights_end_with_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--weights", str(folder)]) == 3
    assert capsys.readouterr().err.startswith("affectline-read: model.json cannot be read")


def test_output_that_cannot_be_written_ends_with_4(
    folder: Path, quick: list[QuickReader], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--out", str(folder / "no such folder" / "x.csv")]) == 4
    assert "the output cannot be written: No such file or directory" in capsys.readouterr().err


def test_interrupted_run_keeps_whole_photos(folder: Path, quick: list[QuickReader], monkeypatch: pytest.MonkeyPatch) -> None:
    read = QuickReader.read

    def interrupted(self: QuickReader, file: object) -> PhotoReading:
        if self.files_read:
            raise KeyboardInterrupt
        return read(self, file)  # type: ignore[arg-type]  # as in_order hands it over

    monkeypatch.setattr(QuickReader, "read", interrupted)
    assert main([str(folder), "--out", str(folder / "x.csv")]) == 130
    assert {row["file"] for row in rows((folder / "x.csv").read_text())} == {"a.JPG"}


@pytest.mark.slow("starts a process four times and kills two")
def test_killed_run_is_continued_to_the_file_of_a_whole_one(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(60):
        (photos / f"{number:03}.jpg").write_text(str(number % 4))
    command = [sys.executable, "-c", SLOW, str(photos), "--face", "all", "--quiet", "--out"]
    subprocess.run([*command, str(tmp_path / "whole.csv")], cwd=PROJECT, check=True)
    out = tmp_path / "out.csv"
    for part in (1, 40):
        run = subprocess.Popen([*command, str(out)], cwd=PROJECT)
        while run.poll() is None and (not out.exists() or out.read_bytes().count(b"\n") < part):
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    subprocess.run([*command, str(out)], cwd=PROJECT, check=True)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.slow("opens the weights and five photos, each in a process of its own")
def test_real_command_reads_real_photos(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(clear_portraits()[0].path.read_bytes())
    for name in ("jonas-05-two-faces.jpg", "leyla-06-no-face.jpg"):
        (tmp_path / name).write_bytes((FOLDER / "portraits" / name).read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    command = [sys.executable, "-m", "ml.read", str(tmp_path), "--face", "all", "--jobs", "2"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    table = rows(done.stdout)
    assert [(row["file"], row["face"], row["reason"]) for row in table] == [
        ("broken.jpg", "", "unreadable"),
        ("face.png", "1", ""),
        ("jonas-05-two-faces.jpg", "1", ""),
        ("jonas-05-two-faces.jpg", "2", ""),
        ("leyla-06-no-face.jpg", "", ""),
    ]
    assert float(table[1]["happy"]) > 0.7
    assert "\r" not in done.stderr  # no bar, since this is no terminal
