"""Make the served shares mean what raters would say, and find where they are too close to call. Both on validation faces only.

The temperature divides the logits so that the cross-entropy against the raters' vote shares is least (Guo et al. 2017, with votes
in the place of labels). The abstention threshold is the confidence that leaves out the least confident tenth of the faces.
"""

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, rater_shares
from ml.measure.measures import cross_entropy
from ml.serve.engines import Engine, mirrored_logits, softmax
from ml.serve.expressions import HEADS
from ml.serve.preprocess import Normaliser

ABSTAIN_SHARE = 0.10
"""Share of the validation faces on which the network abstains, read off the curve of accuracy over coverage: with a tenth left out
nine in ten of its answers are the raters' majority. The second tenth would win about as much again, for twice the silence."""


def all_logits(engine: Engine, faces: FaceSet, normaliser: Normaliser, batch: int = 128) -> NDArray[np.float64]:
    """Return mirrored logits (2, N, 7) of all faces."""
    starts = range(0, len(faces), batch)
    parts = [mirrored_logits(engine, normaliser.apply(faces.pixels[start : start + batch])) for start in starts]
    return np.concatenate(parts, axis=1)


def fit_temperature(logits: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return the temperature with the least cross-entropy of logits (N, 7) against shares (N, 7), to three digits."""

    def loss(temperature: float) -> float:
        return float(cross_entropy(softmax(logits / temperature), shares).mean())

    candidates = np.geomspace(0.3, 3.0, 24)
    for _ in range(4):  # each round looks closer around the best
        best = min(range(len(candidates)), key=lambda index: loss(float(candidates[index])))
        low, high = candidates[max(best - 1, 0)], candidates[min(best + 1, len(candidates) - 1)]
        candidates = np.linspace(low, high, 24)
    return round(float(candidates[12]), 3)


def fit_abstention(confidence: NDArray[np.float64], share: float = ABSTAIN_SHARE) -> float:
    """Return the confidence under which the least confident `share` of faces lies, to three digits."""
    return round(float(np.quantile(confidence, share)), 3)


def calibrate(engine: Engine, faces: FaceSet, normaliser: Normaliser) -> tuple[float, float]:
    """Return temperature and abstention threshold, from faces with votes."""
    if faces.votes is None:
        raise ValueError("calibration needs FER+ votes")
    shares, usable = rater_shares(faces.votes)
    logits = all_logits(engine, faces.where(usable), normaliser)[HEADS.index("raters")]
    temperature = fit_temperature(logits, shares[usable].astype(np.float64))
    return temperature, fit_abstention(softmax(logits / temperature).max(axis=1))
