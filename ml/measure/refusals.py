"""What the reader turns away, and what it lets through."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import FaceSet
from ml.intervals import mean_of
from ml.measure.photos import draw_background, fill_photo, large_and_small
from ml.serve.expressions import Outcome, Reading
from ml.serve.reader import FaceReader

SEED = 2027


def count_outcomes(readings: list[Reading]) -> dict[str, Any]:  # Any: a JSON object
    """Return the shares of readings that found no face, ask a person to choose, or refuse the face, with the reasons counted."""
    outcomes = np.array([reading.outcome for reading in readings])  # (N,)
    reasons = Counter(reading.reason.value for reading in readings if reading.reason)
    return {
        "not_found": mean_of(outcomes == Outcome.NO_FACE),
        "to_choose": mean_of(outcomes == Outcome.CHOOSE_FACE),
        "rejected": mean_of(outcomes == Outcome.REJECTED),
        "reasons": dict(sorted(reasons.items())),
    }


def measure_filling(reader: FaceReader, faces: FaceSet, count: int) -> dict[str, Any]:  # Any: a JSON object
    """Return how `count` faces are read that fill their photo."""
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(faces))[:count]
    return {"photos": len(drawn), **count_outcomes([reader.read(fill_photo(faces.pixels[index], rng)) for index in drawn])}


def measure_without_face(reader: FaceReader, pictures: Iterable[Path], backgrounds: int) -> dict[str, Any]:  # Any: a JSON object
    """Return how drawn backgrounds and pictures without a face are read. Those that are `read` get an expression: wrongly."""
    rng = np.random.default_rng(SEED)
    readings = [reader.read(draw_background(rng)) for _ in range(backgrounds)]
    readings += [reader.read(picture) for path in pictures for picture in large_and_small(path)]
    read = mean_of(np.array([reading.outcome is Outcome.DONE for reading in readings]))
    return {"photos": len(readings), "read": read, **count_outcomes(readings)}
