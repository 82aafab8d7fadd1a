"""Sanity checks of the maps of `ml.serve.explain`: they lie where each expression shows, and depend on the trained weights.

python -m ml.measure.explanations --weights ml/weights --data fer2013.zip --votes fer2013_ferplus.csv
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import FaceSet, rater_shares
from ml.intervals import mean_of
from ml.measure.command_line import faces_with_votes, parser_with_votes
from ml.measure.report import add_to_report, tell_unreadable
from ml.serve.card import load_card
from ml.serve.engines import KerasEngine, open_engine
from ml.serve.explain import explain
from ml.serve.expressions import EXPRESSIONS

CLEAR = 0.9
"""Share of the counted votes for one expression: such faces show clearly where it lies."""
PARTS = {"brows": slice(8, 22), "mouth": slice(30, 44)}
"""Rows of the 48x48 input in which brows and eyes, and the mouth, lie on most faces."""


def shuffle_weights(model: Any, seed: int = 2013) -> None:  # Any: a Keras model
    """Shuffle the values of every kernel: a network that has learned nothing, with weights of the same distribution."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.path.endswith("/kernel"):
            variable.assign(rng.permuted(np.asarray(variable).reshape(-1)).reshape(variable.shape))


def measure_explanations(weights: Path, faces: FaceSet, count: int) -> dict[str, Any]:  # Any: a JSON object
    """Return the sanity checks of the maps, on up to `count` faces of each expression on which the raters agree.

    `brows` and `mouth` are mean drops of the probability over those parts of the face. `correlation_when_shuffled` compares the
    maps with those of the network with shuffled weights (Adebayo et al. 2018): near 0 when the maps depend on the weights.
    Raises ValueError for faces without votes.
    """
    card = load_card(weights)
    served = open_engine("onnx", weights, card)
    shuffled = KerasEngine(weights, card)
    shuffle_weights(shuffled.model)
    if faces.votes is None:
        raise ValueError("clear faces are chosen by the raters' votes")
    vote_shares, usable = rater_shares(faces.votes)  # (N, 7), (N,)
    checks: dict[str, Any] = {"by_expression": {}}
    correlations = []
    for index, name in enumerate(EXPRESSIONS):
        clear = np.flatnonzero(usable & (vote_shares[:, index] >= CLEAR))[:count]
        if not len(clear):
            continue
        maps = np.stack([explain(served, card, faces.pixels[place], index).drops for place in clear])  # (faces, 48, 48)
        random = np.stack([explain(shuffled, card, faces.pixels[place], index).drops for place in clear])  # (faces, 48, 48)
        # A constant map has no correlation with anything.
        pairs = [(one.ravel(), other.ravel()) for one, other in zip(maps, random, strict=True) if np.ptp(one) and np.ptp(other)]
        correlations += [np.corrcoef(one, other)[0, 1] for one, other in pairs]
        parts = {part: mean_of(maps[:, rows].mean(axis=(1, 2)).astype(np.float64)) for part, rows in PARTS.items()}
        checks["by_expression"][name] = {"faces": len(clear), **parts}
    checks["correlation_when_shuffled"] = mean_of(np.array(correlations))
    return checks


@tell_unreadable()
def main() -> int:
    """Measure, and add the result to report.json as `explanations`. Returns the exit status."""
    parser = parser_with_votes("ml.measure.explanations", __doc__)
    parser.add_argument("--count", type=int, default=20, help="most faces of each expression (default 20)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    faces = faces_with_votes(options)
    checks = measure_explanations(options.weights, faces, options.count)
    add_to_report(options.weights, "explanations", checks)
    sys.stdout.write(json.dumps(checks, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
