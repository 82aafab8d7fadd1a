"""The command line that measurements share: a weights folder, and the validation faces to measure on."""

import argparse
from pathlib import Path

from ml.data import FaceSet, join_votes, load_split, read_votes


def parser_of(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of `--weights` and `--data`, for `python -m` with the name of the module."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights folder")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    return parser


def parser_with_votes(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return the same parser with `--votes`."""
    parser = parser_of(module, description)
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    return parser


def faces_with_votes(options: argparse.Namespace) -> FaceSet:
    """Return the validation faces of `--data` with the votes of `--votes`. Raises UnreadableData for other files."""
    return join_votes(load_split(options.data, "validation"), read_votes(options.votes))
