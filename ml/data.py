"""FER2013 faces with their labels, and FER+ votes: from a folder, a zip file or the original CSV.

Layouts read: `images/<split>/<class>/<name>.png`, the same without `images/`, each as a folder or inside a zip; and the original
`fer2013.csv` (columns emotion, pixels, Usage). Class folders are found by name, so their order never matters.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serve.expressions import EXPRESSIONS, INPUT_SIDE
from ml.serve.preprocess import to_pixels

USAGES = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
"""Splits as the original CSV names them."""

VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
"""Columns of FER+ (Barsoum et al. 2016): ten raters' votes for each face."""

VOTED_EXPRESSIONS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
"""What the first seven of those columns are called here."""

CONTEMPT = len(EXPRESSIONS)
"""Where contempt stands after the seven expressions, in the protocol that counts it."""

PICTURES = {".png", ".jpg", ".jpeg"}


class UnreadableData(Exception):
    """The layout of the data set is unknown; the message says what was expected."""


@dataclass(frozen=True)
class FaceSet:
    """The faces of one split.

    pixels (N, 48, 48) uint8; labels (N,) indices into EXPRESSIONS; names as `<split>/<row>`, which FER+ votes are joined by;
    votes (N, 10) in the order of VOTE_COLUMNS, all zero where a face has none, or None when no votes were joined.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    votes: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, kept: NDArray[np.bool_]) -> "FaceSet":
        """Return the faces for which `kept` is true."""
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        votes = None if self.votes is None else self.votes[kept]
        return FaceSet(self.pixels[kept], self.labels[kept], names, votes)


def load_split(source: Path, split: str) -> FaceSet:
    """Return the faces of `split` (train, validation or test), sorted by name. Raises UnreadableData when there are none."""
    if source.suffix == ".csv":
        return load_csv(source, split)
    if source.is_dir():
        files = {path.relative_to(source).as_posix(): path.read_bytes for path in sorted(source.rglob("*")) if path.is_file()}
        return load_pictures(files, split, source)
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            inside = {name: partial(archive.read, name) for name in archive.namelist()}
            return load_pictures(inside, split, source)
    raise UnreadableData(f"{source} is neither a folder, a zip file nor a CSV")


def load_pictures(files: Mapping[str, Callable[[], bytes]], split: str, source: Path) -> FaceSet:
    """Return the pictures under `<split>/<class>/`, wherever in the tree that is."""
    found: list[tuple[str, int, NDArray[np.uint8]]] = []
    for path, read in files.items():
        parts = PurePosixPath(path).parts
        if len(parts) < 3 or parts[-3] != split or parts[-2] not in EXPRESSIONS or Path(path).suffix.lower() not in PICTURES:
            continue
        with Image.open(io.BytesIO(read())) as picture:
            found.append((f"{split}/{Path(path).stem}", EXPRESSIONS.index(parts[-2]), to_pixels(picture)))
    if not found:
        raise UnreadableData(f"{source} has no pictures under {split}/<class>/ with classes {', '.join(EXPRESSIONS)}")
    found.sort(key=lambda face: face[:2])
    names, labels, pixels = zip(*found, strict=True)
    return FaceSet(np.stack(pixels), np.array(labels, np.int64), tuple(names))


def load_csv(source: Path, split: str) -> FaceSet:
    """Return the rows of the original CSV whose Usage is `split`, named by row number. Its classes are in our label order."""
    names, labels, pixels = [], [], []
    with source.open(newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if USAGES.get(row["Usage"]) != split:
                continue
            names.append(f"{split}/{number:05d}")
            labels.append(int(row["emotion"]))
            pixels.append(np.array(row["pixels"].split(), np.uint8).reshape(INPUT_SIDE, INPUT_SIDE))
    if not names:
        raise UnreadableData(f"{source} has no rows for {split}")
    return FaceSet(np.stack(pixels), np.array(labels, np.int64), tuple(names))


def read_votes(source: Path) -> dict[str, tuple[int, ...]]:
    """Return ten votes by face name, from a CSV with a `file` column or from the original fer2013new.csv (row by row).

    Numbered rows are unique in the whole data set; names that begin with x are unique only within a split.
    """
    votes: dict[str, tuple[int, ...]] = {}
    with source.open(newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if "file" in row:
                path = PurePosixPath(row["file"])
                name = path.stem if path.stem.isdecimal() else f"{path.parts[-3]}/{path.stem}"
            else:
                name = f"{number:05d}"
            votes[name] = tuple(int(row[column]) for column in VOTE_COLUMNS)
    return votes


def join_votes(faces: FaceSet, votes: Mapping[str, tuple[int, ...]]) -> FaceSet:
    """Return the faces with their votes; a face that no one voted on gets zeros.

    Raises UnreadableData when the votes are for none of the faces: files of two data sets, or names of two kinds.
    """
    none = (0,) * len(VOTE_COLUMNS)
    rows = [votes.get(name, votes.get(name.split("/")[-1], none)) for name in faces.names]
    if not any(map(any, rows)):
        raise UnreadableData(f"the votes are for none of the {len(faces)} faces: not one name is the same, or every count is 0")
    return replace(faces, votes=np.array(rows, np.int64))


def votes_for_seven(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the votes (N, 10) for the seven expressions (N, 7), in label order."""
    return votes[:, [VOTED_EXPRESSIONS.index(name) for name in EXPRESSIONS]]


def rater_shares(votes: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the raters' vote shares (N, 7) in label order, and which faces (N,) have any; votes (N, 10).

    Votes for contempt, unknown, not-a-face are dropped, then single votes (as Barsoum et al. do); the rest is scaled to sum to 1.
    A face has none when "not a face" has at least as many votes as any other answer.
    """
    kept = votes_for_seven(votes).astype(np.float32)  # (N, 7)
    kept[kept <= 1] = 0
    total = kept.sum(axis=1, keepdims=True)  # (N, 1)
    usable = (total[:, 0] > 0) & (votes[:, -1] < np.maximum(votes[:, :-1].max(axis=1), 1))
    return np.where(total > 0, kept / np.maximum(total, 1), 0).astype(np.float32), usable


def rater_majority(votes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the most voted class (N,) in label order, -1 where it is not one of the seven, and which faces are tied.

    Of tied classes the first in the order of VOTE_COLUMNS counts. A face without votes is -1.
    """
    order = np.array([EXPRESSIONS.index(name) for name in VOTED_EXPRESSIONS] + [-1, -1, -1])
    majority = order[votes.argmax(axis=1)]
    most = votes.max(axis=1)
    majority[most == 0] = -1
    return majority, (votes == most[:, np.newaxis]).sum(axis=1) > 1


def barsoum_majority(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class (N,) by which Barsoum et al. (2016) measure: in label order, CONTEMPT, or -1 for a face that is left out.

    As in their published code, votes that stand alone are dropped in all ten columns. One column must then hold more than half of
    the votes that remain, with those for unknown and "not a face" among them, and it must be one of the eight expressions.
    """
    kept = np.where(votes <= 1, 0, votes)  # (N, 10)
    order = np.array([*(EXPRESSIONS.index(name) for name in VOTED_EXPRESSIONS), CONTEMPT, -1, -1])
    return np.where(2 * kept.max(axis=1) > kept.sum(axis=1), order[kept.argmax(axis=1)], -1)


def find_twins(faces: FaceSet, others: FaceSet) -> NDArray[np.bool_]:
    """Return which faces (N,) have a pixel-identical twin among `others`."""
    known = {digest(pixels) for pixels in others.pixels}
    return np.array([digest(pixels) in known for pixels in faces.pixels])


def find_near_twins(faces: FaceSet, others: FaceSet, correlation: float = 0.95) -> NDArray[np.bool_]:
    """Return which faces (N,) have a near twin among `others`, mirrored or not: mostly other crops or exposures of one photo.

    Averaged to 24x24, their grey values correlate above the limit. Below it, more and more pairs show two people who look alike.
    """
    theirs = shrink(others.pixels)  # (M, 576)
    closest = np.zeros(len(faces), np.float32)
    for pixels in (faces.pixels, faces.pixels[:, :, ::-1]):
        parts = np.array_split(shrink(pixels), 1 + len(faces) // 256)
        closest = np.maximum(closest, np.concatenate([(part @ theirs.T).max(axis=1) for part in parts]))
    near: NDArray[np.bool_] = closest > correlation
    return near


def shrink(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return faces averaged to 24x24 and scaled to unit length without their mean, (N, 576)."""
    small = pixels.reshape(-1, 24, INPUT_SIDE // 24, 24, INPUT_SIDE // 24).mean(axis=(2, 4)).reshape(-1, 576)
    small -= small.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(small, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (small / np.maximum(lengths, 1e-6)).astype(np.float32)
    return scaled


def digest(pixels: NDArray[np.uint8]) -> bytes:
    """Return the SHA-256 of one face's pixels."""
    return hashlib.sha256(pixels.tobytes()).digest()


def hash_faces(faces: FaceSet) -> str:
    """Return one SHA-256 (hex) over pixels, labels and votes, which identifies what a run was trained on."""
    hashed = hashlib.sha256(faces.pixels.tobytes() + faces.labels.tobytes())
    if faces.votes is not None:
        hashed.update(faces.votes.tobytes())
    return hashed.hexdigest()


def describe(source: Path, votes: Path | None) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each split's name with its counts: faces, faces by class, twins in train, faces with votes."""
    train: FaceSet | None = None
    for split in USAGES.values():
        try:
            faces = load_split(source, split)
        except UnreadableData:
            continue
        counts = {"faces": len(faces)}
        counts |= {name: int((faces.labels == index).sum()) for index, name in enumerate(EXPRESSIONS)}
        if votes is not None:
            joined = join_votes(faces, read_votes(votes)).votes
            counts["with_votes"] = int((joined.sum(axis=1) > 0).sum()) if joined is not None else 0
        if train is None:
            train = faces
        else:
            counts["exact_twins_in_train"] = int(find_twins(faces, train).sum())
            counts["near_twins_in_train"] = int(find_near_twins(faces, train).sum())
        yield split, counts


def main() -> int:
    """Print each split's counts as one JSON line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.data", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, help="FER+ votes")
    options = parser.parse_args()
    for split, counts in describe(options.data, options.votes):
        sys.stdout.write(json.dumps({"split": split, **counts}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
