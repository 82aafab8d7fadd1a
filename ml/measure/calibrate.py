"""Calibrate the served probabilities against the raters' votes, and find where they are too close to call.

Both use validation faces only. The temperature divides the logits so that the cross-entropy against the raters' vote shares is
least (Guo et al. 2017, with vote shares in place of labels). The abstention threshold leaves out the least confident tenth.
"""

import numpy as np
from numpy.typing import NDArray

from ml.data import FaceSet, rater_shares
from ml.measure.measures import cross_entropy
from ml.serve.engines import Engine, mirrored_logits, softmax
from ml.serve.expressions import HEADS
from ml.serve.preprocess import Normaliser

ABSTAIN_SHARE = 0.10
"""Share of the validation faces on which the network abstains, from the curve of accuracy over coverage: without this tenth, nine
in ten results are the raters' majority. Leaving out a second tenth would gain about as much again."""


def all_logits(engine: Engine, faces: FaceSet, normaliser: Normaliser, batch: int = 128) -> NDArray[np.float64]:
    """Return logits (2, N, 7) of all faces, each the mean of the face and its mirror image."""
    starts = range(0, len(faces), batch)
    parts = [mirrored_logits(engine, normaliser.apply(faces.pixels[start : start + batch])) for start in starts]  # (2, batch, 7)
    return np.concatenate(parts, axis=1)  # (2, N, 7)


def fit_temperature(logits: NDArray[np.float64], vote_shares: NDArray[np.float64]) -> float:
    """Return the temperature with the least cross-entropy of logits (N, 7) against vote shares (N, 7), to three decimals."""

    def loss(temperature: float) -> float:
        return float(cross_entropy(softmax(logits / temperature), vote_shares).mean())

    candidates = np.geomspace(0.3, 3.0, 24)
    # Each round searches a narrower range around the best candidate.
    for _ in range(4):
        best = min(range(len(candidates)), key=lambda index: loss(float(candidates[index])))
        low, high = candidates[max(best - 1, 0)], candidates[min(best + 1, len(candidates) - 1)]
        candidates = np.linspace(low, high, 24)
    return round(float(candidates[12]), 3)


def fit_abstention(confidence: NDArray[np.float64], share: float = ABSTAIN_SHARE) -> float:
    """Return the confidence below which the least confident `share` of faces (N,) lies, to three decimals."""
    return round(float(np.quantile(confidence, share)), 3)


def calibrate(engine: Engine, faces: FaceSet, normaliser: Normaliser) -> tuple[float, float]:
    """Return temperature and abstention threshold. Raises ValueError for faces without votes."""
    if faces.votes is None:
        raise ValueError("calibration needs FER+ votes")
    vote_shares, usable = rater_shares(faces.votes)  # (N, 7), (N,)
    logits = all_logits(engine, faces.where(usable), normaliser)[HEADS.index("raters")]  # (U, 7)
    temperature = fit_temperature(logits, vote_shares[usable].astype(np.float64))
    return temperature, fit_abstention(softmax(logits / temperature).max(axis=1))
