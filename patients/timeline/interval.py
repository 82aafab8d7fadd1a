"""How sure a mean over a few photos is: the 95 % percentile bootstrap, the same numbers every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000  # Efron & Tibshirani (1993), chapter 13: at least 1000 for percentile intervals
TAIL = 50  # 2.5 % of the resamples lie beyond each end
LEAST = 3  # below three photos a resampled mean says nothing
SEED = 20261


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@lru_cache(maxsize=64)
def _draws(size: int, seed: int) -> NDArray[np.float64]:
    """Return how often each of `size` photos is drawn, as weights that sum to 1. Shape (size, RESAMPLES)."""
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=RESAMPLES)
    weights: NDArray[np.float64] = counts.T / size
    return weights


def bootstrap(photos: Sequence[Sequence[float]]) -> tuple[Interval, ...]:
    """Return a 95 % interval for the mean of each column; one row per photo, at least three rows.

    Each column is resampled by itself and in order of size, so the result depends on the values alone and not on the order in
    which the photos came. Raises ValueError below three photos.
    """
    return _ends(_resampled_means(photos, SEED))


def bootstrap_difference(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> tuple[Interval, ...]:
    """Return a 95 % interval for the mean of each column of `second` minus that of `first`, both resampled independently."""
    return _ends(_resampled_means(second, SEED) - _resampled_means(first, SEED + 1))


def _resampled_means(photos: Sequence[Sequence[float]], seed: int) -> NDArray[np.float64]:
    """Return the means of every resample. Shape (columns, RESAMPLES)."""
    if len(photos) < LEAST:
        raise ValueError(f"{len(photos)} photos are too few for an interval")
    columns = np.sort(np.asarray(photos, dtype=np.float64), axis=0).T  # (columns, photos)
    means: NDArray[np.float64] = columns @ _draws(columns.shape[1], seed)  # (columns, RESAMPLES)
    return means


def _ends(means: NDArray[np.float64]) -> tuple[Interval, ...]:
    means.sort(axis=1)  # vectorised, and thereby faster than a partition
    return tuple(Interval(float(row[TAIL - 1]), float(row[-TAIL])) for row in means)
