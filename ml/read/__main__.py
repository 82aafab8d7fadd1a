"""Read the expressions in a folder of photos, or in the photos named, into a table.

    affectline-read photos --out readings.csv

Without --out the table is printed. With it, the same command continues what was interrupted: photos that the file has are not read
again. Files that cannot be opened get a row with a code, and the run goes on. Exit status:

    0  every file could be opened (it may show no face)
    1  some could not: their rows have the state failed, and the code as the reason
    2  wrong use: unknown option, no such folder, or an output file of another kind, model or choice of faces
    3  the weights cannot be used
    4  the output cannot be written
  130  interrupted; the output holds whole photos
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from ..decode.apart import missing_layers
from ..serve.onnx_session import WeightsError
from ..serve.reader import WEIGHTS
from .faces import PhotoReading, face_choice
from .files import PhotoFile, find_photos
from .output import OtherTable, Output
from .photos import PhotoReader, in_order
from .tables import CsvTable, JsonLines, Sentences, Table

SOME_FAILED, WRONG_USE, NO_WEIGHTS, NOT_WRITTEN, INTERRUPTED = 1, 2, 3, 4, 130
WORDS = {
    "done": "read",
    "rejected": "rejected",
    "choose_face": "with faces to choose from (--face)",
    "no_face": "without a face",
    "failed": "could not be opened",
}


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options. Exits with 2 and a sentence when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="affectline-read", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="FOLDER|PHOTO", help="one folder, or files")
    parser.add_argument("--out", type=Path, help="file to write, or to continue")
    parser.add_argument(
        "--format", choices=("csv", "jsonl", "text"), help="default: by the ending of --out; else text on a terminal, csv elsewhere"
    )
    parser.add_argument(
        "--face",
        default="clear",
        metavar="clear|largest|all|N",
        type=_choice,
        help="clear (default): as on the server, none if unclear",
    )
    parser.add_argument("--recursive", action="store_true", help="also the folders within the folder")
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="photos read at once (default: 1)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder with weights (default: those that ship)")
    parser.add_argument("--engine", choices=("onnx", "keras"), default="onnx", help="keras needs TensorFlow")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")
    options = parser.parse_args(arguments)
    if len(options.photos) > 1 and any(path.is_dir() for path in options.photos):
        parser.error("name one folder, or files")
    first = options.photos[0]
    if len(options.photos) == 1 and not first.exists():
        parser.error(f"there is no {first}")
    if first.is_dir() and not os.access(first, os.R_OK | os.X_OK):
        parser.error(f"{first} cannot be listed")
    if options.out and options.format == "text":
        parser.error("--out holds csv or jsonl")
    return options


def _choice(text: str) -> str:
    try:
        face_choice(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def table_of(options: argparse.Namespace) -> Table:
    """Return the table in the format that was asked for. Raises WeightsError."""
    kind = options.format
    if kind is None and options.out:
        kind = "jsonl" if options.out.suffix.lower() in (".jsonl", ".ndjson", ".json") else "csv"
    if kind is None:
        kind = "text" if sys.stdout.isatty() else "csv"
    if kind == "text":
        return Sentences()
    return JsonLines(options.weights) if kind == "jsonl" else CsvTable()


class Printed:
    """The table on standard output."""

    done: frozenset[str] = frozenset()

    def __init__(self, table: Table) -> None:
        self.table = table
        self._print(table.header)

    def add(self, photo: PhotoReading) -> None:
        """Print the lines of one photo."""
        self._print(self.table.rows(photo))

    def close(self) -> None:
        """Do nothing: every photo is out."""

    def _print(self, text: str) -> None:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def read_all(options: argparse.Namespace, reader: PhotoReader, out: Output | Printed) -> Counter[str]:
    """Read what is not in the output yet, and return how many photos are in each state. Raises OSError if it cannot be written."""

    def missing() -> Iterator[PhotoFile]:
        return (each for each in find_photos(options.photos, options.recursive) if out.table.name_of(each.name) not in out.done)

    # Beside sentences on the same terminal a bar would only be in the way.
    has_bar = not options.quiet and sys.stderr.isatty() and bool(options.out or not sys.stdout.isatty())
    total = sum(1 for _ in missing()) if has_bar else None
    states: Counter[str] = Counter()
    with tqdm(total=total, unit=" photos", disable=not has_bar, file=sys.stderr) as bar:
        for photo in in_order(reader.read, missing(), options.jobs):
            out.add(photo)
            states[photo.state] += 1
            bar.update()
    return states


def summary(states: Counter[str], already: int, seconds: float) -> str:
    """Return what came of the photos, in a sentence."""
    parts = [f"{states[state]} {words}" for state, words in WORDS.items() if states[state]]
    parts += [f"{already} in the file already"] if already else []
    count = states.total()
    speed = f" ({count / seconds:.1f} photos/s)" if count else ""
    return f"{count} {'photo' if count == 1 else 'photos'}: {', '.join(parts) or 'none'}{speed}"


def say(text: str) -> None:
    """Tell the person at the terminal, beside the table."""
    sys.stderr.write(f"affectline-read: {text}\n")


def main(arguments: list[str] | None = None) -> int:
    """Read the photos named on the command line, and return the exit status."""
    options = options_of(arguments)
    try:
        reader = PhotoReader(options.face, options.weights, options.engine)
        table = table_of(options)
    except WeightsError as error:
        say(str(error))
        return NO_WEIGHTS
    began = time.monotonic()
    try:
        out = Printed(table) if isinstance(table, Sentences) or not options.out else Output(options.out, table, reader)
        with closing(out):
            states = read_all(options, reader, out)
    except OtherTable as error:
        say(str(error))
        return WRONG_USE
    except BrokenPipeError:
        # The program that read the table wants no more. Python flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_WRITTEN
    except OSError as error:
        say(f"the output cannot be written: {error.strerror}")
        return NOT_WRITTEN
    except KeyboardInterrupt:
        return INTERRUPTED
    if not options.quiet:
        say(summary(states, len(out.done), time.monotonic() - began))
        if missing := missing_layers():
            say(f"this system lacks a part of what confines the process that opens photos: {', '.join(sorted(missing))}")
    return SOME_FAILED if states["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
