"""Files in, readings out: each photo is opened in a process of its own and read here, some at once, in the order of the files."""

import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..decode.apart import rebuild_apart
from ..decode.formats import UndecodablePhoto, check_outside
from ..decode.made import open_made
from ..serve.engines import EngineName
from ..serve.half_size import read_faces
from ..serve.reader import WEIGHTS, FaceReader
from .faces import PhotoReading, face_choice, of_photo
from .files import PhotoFile, find_photos

log = logging.getLogger(__name__)


class PhotoReader:
    """Reads files with one set of weights. Opening them is slow, so a process keeps one; threads may share it."""

    def __init__(self, face: str = "clear", weights: Path = WEIGHTS, engine: EngineName = "onnx") -> None:
        """Open the weights. Raises WeightsError, and ValueError for an unknown choice of a face."""
        self.choice, self.choose = face, face_choice(face)
        self.reader = FaceReader(weights, engine)

    def read(self, file: PhotoFile) -> PhotoReading:
        """Return what came of a file, which may be damaged or hostile. Never raises for what is in it."""
        began = time.perf_counter()
        sha256 = None
        try:
            source = file.content()
            sha256 = hashlib.sha256(source).hexdigest()
            photo = rebuild_apart(source, check_outside(source))
        except OSError:
            return PhotoReading(file.name, "failed", "cannot_open", face_choice=self.choice)
        except UndecodablePhoto as error:
            return PhotoReading(file.name, "failed", error.code, sha256, face_choice=self.choice)
        open_ms = round(1000 * (time.perf_counter() - began), 2)
        try:
            # As on the server, what is read is the photo as it is stored.
            readings = read_faces(self.reader, partial(open_made, photo.image), photo.width, self.choose)
        except Exception:
            log.exception("%s could not be read", file.name)
            return PhotoReading(file.name, "failed", "reader_fault", sha256, face_choice=self.choice)
        return PhotoReading(
            file.name,
            sha256=sha256,
            taken_at=photo.taken_at,
            width=photo.width,
            height=photo.height,
            milliseconds={"open": open_ms, **dict(readings[0].milliseconds)},
            **of_photo(readings, self.choice),
        )


def read_photos(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    face: str = "clear",
    recursive: bool = False,
    jobs: int = 1,
    weights: Path = WEIGHTS,
    engine: EngineName = "onnx",
) -> Iterator[PhotoReading]:
    """Return a reading for each photo of a folder, in the order of their names, or for each file named; one after the other.

    `face` is clear, largest, all or a number from 1 (`ml.read.faces.CHOICES`). `jobs` photos are read at once. Damaged and hostile
    files have the state failed and a code. Raises WeightsError, ValueError for another `face`, and OSError for a folder that
    cannot be listed.
    """
    paths = [Path(source)] if isinstance(source, str | os.PathLike) else [Path(path) for path in source]
    return in_order(PhotoReader(face, weights, engine).read, find_photos(paths, recursive), jobs)


def in_order(read: Callable[[PhotoFile], PhotoReading], files: Iterable[PhotoFile], jobs: int) -> Iterator[PhotoReading]:
    """Yield what `read` returns for each file, in their order, `jobs` at once. Few are kept waiting, however many there are."""
    waiting: deque[Future[PhotoReading]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for file in files:
                waiting.append(pool.submit(read, file))
                if len(waiting) > 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
