"""The file that the table goes to. Runs only ever add whole photos to it, so that a run that was killed can be continued."""

import csv
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .faces import PhotoReading
from .photos import PhotoReader
from .tables import COLUMNS, CsvTable, JsonLines

NAMES = tuple(column.name for column in COLUMNS)
FIRST_OF_JSON = b'{"file": '


class OtherTable(Exception):
    """The file cannot be continued: it holds something else, or another run is writing to it."""


@dataclass(frozen=True)
class Row:
    """What continuing needs to know of one line, which lies between two bytes."""

    file: str
    model_version: str
    choice: str
    faces_found: int
    start: int
    end: int


class Output:
    """An output file. `done` holds the names of the photos that were in it when it was opened."""

    def __init__(self, path: Path, table: CsvTable | JsonLines, reader: PhotoReader) -> None:
        """Open or make the file, and cut off what a killed run left of a photo. Raises OtherTable, and OSError."""
        self.table, self.model_version, self.choice = table, reader.reader.model_version, reader.choice
        self.file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        try:
            _lock(self.file.fileno())
            self.done, self.end = self._whole_photos()
        except OtherTable as error:
            self.file.close()
            raise OtherTable(f"{path} cannot be continued: {error}") from None
        self.file.truncate(self.end)
        self.file.seek(self.end)
        if not self.end:
            self._write(table.header)

    def add(self, photo: PhotoReading) -> None:
        """Write the lines of one photo at once. Raises OSError; then the file ends with the photo before."""
        self._write(self.table.rows(photo))

    def close(self) -> None:
        """Close the file, once it is on the disk."""
        os.fsync(self.file.fileno())
        self.file.close()

    def _write(self, text: str) -> None:
        rest = memoryview(text.encode())
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError:
            self.file.truncate(self.end)
            raise
        self.end = self.file.tell()

    def _whole_photos(self) -> tuple[set[str], int]:
        """Return the names of the photos that are there as a whole, and where the last of them ends. Raises OtherTable."""
        done: set[str] = set()
        end = len(self.table.header) if self._begins_well() else 0
        last: list[Row] = []
        for row in self._rows():
            if row.model_version not in ("", self.model_version):
                raise OtherTable(f"it was made with model {row.model_version}, this is {self.model_version}")
            if row.choice != self.choice:
                raise OtherTable(f"it was made with --face {row.choice}")
            last = [*last, row] if last and last[0].file == row.file else [row]
            done.add(row.file)
            end = row.end
        # A photo has as many rows as faces only there.
        if last and self.choice == "all" and isinstance(self.table, CsvTable) and len(last) < last[0].faces_found:
            done.discard(last[0].file)
            end = last[0].start
        return done, end

    def _begins_well(self) -> bool:
        """Whether the file begins with the whole header. Raises OtherTable for a file that no run of ours began."""
        first = self.table.header.encode() or FIRST_OF_JSON
        self.file.seek(0)
        found = self.file.read(len(first))
        if not first.startswith(found):
            raise OtherTable("it is not such a table, or has other columns")
        return bool(self.table.header) and found == first

    def _rows(self) -> Iterator[Row]:
        """Yield the rows that end in a line break. Raises OtherTable."""
        self.file.seek(0)
        start = 0
        with os.fdopen(os.dup(self.file.fileno()), "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                end = start + len(line)
                if end > len(self.table.header):
                    try:
                        yield _row_of_csv(line, start, end) if isinstance(self.table, CsvTable) else _row_of_json(line, start, end)
                    except (ValueError, LookupError, TypeError, csv.Error) as error:
                        raise OtherTable(f"line {number} is not of such a table") from error
                start = end


def _lock(handle: int) -> None:
    """Let no other run write to the file. Raises OtherTable if one does; file systems without locks are taken as they are."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OtherTable("another run is writing to it") from None
    except OSError:
        return


def _row_of_csv(line: bytes, start: int, end: int) -> Row:
    (cells,) = csv.reader([line.decode()])
    row = dict(zip(NAMES, cells, strict=True))
    return Row(row["file"], row["model_version"], row["face_choice"], int(row["faces_found"] or 0), start, end)


def _row_of_json(line: bytes, start: int, end: int) -> Row:
    row = json.loads(line)
    return Row(row["file"], row["model"]["version"], row["face_choice"], row["faces_found"] or 0, start, end)
