"""How much accuracy remains when faces are read from photos: validation faces are placed in photos, which the reader then reads.

    python -m ml.measure.parity --weights ml/weights --data fer2013.zip --votes fer2013_ferplus.csv

Each face is enlarged to a random size, rotated by up to 25 degrees and placed at random on a background of 640 x 480. The accuracy
on the faces that the reader crops from these photos is compared with that on the same faces given directly.

Some faces are also read as photos that they fill, and photos without a face are read: drawn backgrounds, scikit-image's sample
pictures, and those given. The results go into report.json, and to the output as a line of JSON.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.data import FaceSet, rater_majority
from ml.intervals import Estimate, estimate, mean_of
from ml.measure.calibrate import all_logits
from ml.measure.command_line import faces_with_votes, parser_with_votes
from ml.measure.photos import place_face, sample_pictures
from ml.measure.refusals import count_outcomes, measure_filling, measure_without_face
from ml.measure.report import add_to_report, tell_unreadable
from ml.serve.expressions import HEADS, Outcome, Reading
from ml.serve.preprocess import Pixels
from ml.serve.reader import FaceReader

SEED = 2026  # the detector's passes were chosen on other places and sizes


def pixels_of(reading: Reading) -> Pixels:
    """Return the grey values (48, 48) that the network read."""
    assert reading.input_png is not None
    return np.asarray(Image.open(io.BytesIO(reading.input_png)))


def is_right_and_known(logits: NDArray[np.float64], faces: FaceSet) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return for each head which faces (N,) it names correctly, and for which (N,) the truth is known; logits (2, N, 7)."""
    assert faces.votes is not None
    truths = {"raters": rater_majority(faces.votes)[0], "fer2013": faces.labels}
    return {head: (logits[place].argmax(axis=1) == truths[head], truths[head] >= 0) for place, head in enumerate(HEADS)}


def ratio(through: NDArray[np.bool_], direct: NDArray[np.bool_]) -> Estimate | None:
    """Return the estimate of the accuracy through photos over the direct one, on the same faces: both (N,)."""
    return estimate(lambda chosen: float(through[chosen].mean() / direct[chosen].mean()), len(direct))


def measure_parity(reader: FaceReader, faces: FaceSet, count: int | None = None) -> dict[str, Any]:  # Any: a JSON object
    """Return how `count` faces (default: all) are read from photos, and the accuracies directly and through photos.

    `direct`, `through_photos` and `kept` are on the faces that were read; in `kept_of_all` faces that were not read count as wrong.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(faces))[:count]
    faces = faces.where(np.isin(np.arange(len(faces)), drawn))
    readings = [reader.read(place_face(pixels, rng)) for pixels in faces.pixels]
    was_read = np.array([reading.outcome is Outcome.DONE for reading in readings])  # (N,)
    cropped = faces.pixels.copy()  # (N, 48, 48)
    cropped[was_read] = [pixels_of(reading) for reading in readings if reading.outcome is Outcome.DONE]
    inputs = {"direct": faces, "through_photos": FaceSet(cropped, faces.labels, faces.names, faces.votes)}
    logits = {name: all_logits(reader.engine, each, reader.card.normaliser) for name, each in inputs.items()}  # (2, N, 7) each
    is_right = {name: is_right_and_known(each, faces) for name, each in logits.items()}
    accuracies: dict[str, Any] = {name: {} for name in (*inputs, "kept", "kept_of_all")}
    for head in HEADS:
        (direct, known), (through, _) = is_right["direct"][head], is_right["through_photos"][head]
        counted = known & was_read
        accuracies["direct"][head], accuracies["through_photos"][head] = mean_of(direct[counted]), mean_of(through[counted])
        accuracies["kept"][head] = ratio(through[counted], direct[counted])
        accuracies["kept_of_all"][head] = ratio((through & was_read)[known], direct[known])
    return {
        "faces": len(faces),
        **count_outcomes(readings),
        **accuracies,
    }


@tell_unreadable()
def main() -> int:
    """Measure, and add the result to report.json as `parity`. Returns the exit status."""
    parser = parser_with_votes("ml.measure.parity", __doc__)
    parser.add_argument("--count", type=int, help="how many faces (default: all)")
    parser.add_argument("--filling", type=int, default=360, help="how many faces that fill the photo (default 360)")
    parser.add_argument("--backgrounds", type=int, default=60, help="how many backgrounds without a face (default 60)")
    parser.add_argument("--without-face", nargs="*", type=Path, default=[], metavar="PICTURE", help="more pictures without a face")
    options = parser.parse_args()
    reader, faces = FaceReader(options.weights), faces_with_votes(options)
    parity = {
        **measure_parity(reader, faces, options.count),
        "filling": measure_filling(reader, faces, options.filling),
        "without_face": measure_without_face(reader, [*sample_pictures(), *options.without_face], options.backgrounds),
    }
    add_to_report(options.weights, "parity", parity)
    sys.stdout.write(json.dumps(parity) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
