"""What the votes are compared by: other published protocols than ours, the other head's truth, and how clear the raters are.

The FER+ majority is ours: ties and lone votes count, as in `ml.data.rater_majority`. `barsoum` is that of the authors of FER+.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import CONTEMPT, FaceSet, barsoum_majority, rater_majority
from ml.intervals import Estimate, Floats, Indices, estimate, mean_of
from ml.measure.measures import calibration_error, macro_f1
from ml.serve.expressions import HEADS

PROTOCOLS = {
    "fer2013": "FER2013 labels, seven classes, all faces",
    "raters": "FER+ majority, ties and lone votes counted; faces whose majority is none of the seven are left out",
    "raters.barsoum": "FER+ as Barsoum et al. (2016): lone votes dropped, faces without more than half left out; eight classes",
}
"""How each part of a report counts, which the report says too."""
AGREEMENTS = {
    "ten of ten": (10, 10),
    "eight or nine of ten": (8, 9),
    "six or seven of ten": (6, 7),
    "five of ten or fewer": (0, 5),
    "more than five of ten": (6, 10),
}
"""How many of ten votes the majority has, from and to; the last row holds the first three."""


def measure_barsoum(named: Indices, votes: Indices) -> dict[str, Any]:  # Any: a JSON object
    """Return the accuracy of the named expressions (N,) in the protocol of Barsoum et al., of votes (N, 10).

    Contempt, which no head can name, counts as wrong. `contempt` and `left_out` are numbers of faces.
    """
    truth = barsoum_majority(votes)  # (N,)
    counted = truth >= 0
    return {
        "accuracy": mean_of((named == truth)[counted]),
        "contempt": int((truth == CONTEMPT).sum()),
        "left_out": int((~counted).sum()),
    }


def measure_agreements(named: Indices, probabilities: Floats, votes: Indices) -> dict[str, dict[str, Estimate | None]]:
    """Return accuracy and mean probability of the named expression by how many of ten votes the majority has.

    named (N,), their probabilities (N,) and votes (N, 10). Faces whose majority is none of the seven are left out.
    """
    majority, _ = rater_majority(votes)  # (N,)
    tenths = 10 * votes.max(axis=1) // np.maximum(votes.sum(axis=1), 1)  # (N,)
    rows = {}
    for name, (least, most) in AGREEMENTS.items():
        chosen = (majority >= 0) & (tenths >= least) & (tenths <= most)  # (N,)
        rows[name] = {"accuracy": mean_of((named == majority)[chosen]), "named_probability": mean_of(probabilities[chosen])}
    return rows


def measure_other_truth(truth: Indices, named: Indices) -> dict[str, Estimate | None]:
    """Return accuracy and macro-F1 of the expressions that one head named (N,) against the other head's truth (N,).

    Faces whose truth is -1 are left out.
    """
    known = truth >= 0
    truth, named = truth[known], named[known]
    return {
        "accuracy": mean_of(named == truth),
        "macro_f1": estimate(lambda chosen: macro_f1(truth[chosen], named[chosen]), len(truth)),
    }


def measure_certainty(confidence: Floats, is_right: NDArray[np.bool_]) -> Estimate | None:
    """Return the expected calibration error of the named expression's probability (N,) against being right (N,)."""
    return estimate(lambda chosen: calibration_error(confidence[chosen], is_right[chosen]), len(is_right), is_biased=True)


def accuracies(logits: Floats, faces: FaceSet) -> dict[str, Estimate | None]:
    """Return the accuracy of both heads, logits (2, N, 7): on the labels, and on the raters' majority (None without votes)."""
    named = logits.argmax(axis=2)  # (2, N)
    by_head = {"fer2013": mean_of(named[HEADS.index("fer2013")] == faces.labels), "raters": None}
    if faces.votes is not None:
        majority, _ = rater_majority(faces.votes)
        known = majority >= 0
        by_head["raters"] = mean_of((named[HEADS.index("raters")] == majority)[known])
    return by_head


def measure_accuracies(scores: Floats, faces: FaceSet) -> dict[str, Estimate | None]:
    """Return `accuracies` and that of the served head in the protocol of Barsoum et al.; scores (2, N, 7) of any kind."""
    found = accuracies(scores, faces)
    if faces.votes is not None:
        found["barsoum"] = measure_barsoum(scores[HEADS.index("raters")].argmax(axis=1), faces.votes)["accuracy"]
    return found
