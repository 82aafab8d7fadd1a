"""Measure teachers on validation faces, from their files alone: each, the mean of all, and the mean with the network that ships.

    python -m ml.train.ceiling --data fer2013.zip --votes fer2013_ferplus.csv

The mean of the probabilities is what a stage learns from them; its accuracy is about what the stage can come to. Prints a table
in Markdown, in %, with 95 % bootstrap intervals: FER2013 labels, FER+ majority (ties and lone votes count), and FER+ in the
protocol of Barsoum et al. (2016).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet
from ml.intervals import Estimate
from ml.measure.calibrate import all_logits
from ml.measure.command_line import faces_with_votes
from ml.measure.document import table
from ml.measure.protocols import measure_accuracies
from ml.measure.report import tell_unreadable
from ml.serve.card import load_card
from ml.serve.engines import open_engine, softmax
from ml.serve.reader import WEIGHTS
from ml.train.teachers import FOLDER, Teacher, read_teachers

Accuracies = dict[str, Estimate | None]


def ceilings(teachers: list[Teacher], shipped: NDArray[np.float64] | None, faces: FaceSet) -> Iterator[tuple[str, Accuracies]]:
    """Yield the accuracies on validation faces of each teacher, of their mean, and of the mean with the network that ships.

    `shipped` are its probabilities (2, N, 7). Raises OtherFaces when the logits of a teacher are of other faces.
    """
    each = {teacher.name: teacher.probabilities("validation", faces).astype(np.float64) for teacher in teachers}
    for name, probabilities in each.items():
        yield name, measure_accuracies(probabilities, faces)
    if len(each) > 1:
        yield f"mean of {len(each)}", measure_accuracies(np.mean(np.stack(list(each.values())), axis=0), faces)
    if shipped is not None:
        yield "the network that ships", measure_accuracies(shipped, faces)
        together = np.mean(np.stack([*each.values(), shipped]), axis=0)  # (2, N, 7)
        yield f"mean of all {len(each) + 1}", measure_accuracies(together, faces)


def shipped_probabilities(weights: Path, teachers: list[Teacher], faces: FaceSet) -> NDArray[np.float64] | None:
    """Return the probabilities (2, N, 7), without a temperature, of the served network; None when it is one of the teachers."""
    card = load_card(weights)
    if card.keras_sha256 in {teacher.facts["weights_sha256"] for teacher in teachers}:
        return None
    return softmax(all_logits(open_engine("onnx", weights, card), faces, card.normaliser))


def written(figure: Estimate | None) -> str:
    """Return an estimate in % with its interval."""
    return "–" if figure is None else "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * figure[name] for name in ("value", "low", "high")))


@tell_unreadable()
def main() -> int:
    """Print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train.ceiling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="teachers to measure (default: all in the folder)")
    parser.add_argument("--teachers", type=Path, default=FOLDER, help="folder with their logits (default: ml/teachers)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the network that ships (default: ml/weights)")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    options = parser.parse_args()
    faces = faces_with_votes(options)
    teachers = read_teachers(options.teachers, options.names)
    found = ceilings(teachers, shipped_probabilities(options.weights, teachers, faces), faces)
    rows = ((name, *map(written, accuracies.values())) for name, accuracies in found)
    sys.stdout.write(table(("network", "FER2013 labels, %", "FER+ majority, %", "FER+ as Barsoum et al., %"), rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
