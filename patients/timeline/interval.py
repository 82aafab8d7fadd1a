"""The 95% interval of a mean over a few photos: the expanded percentile bootstrap, reproducible from its seed.

With few values the interval is widened (ml.intervals.beyond). docs/adr/0090 describes the effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.intervals import beyond

RESAMPLES = 2000  # Efron & Tibshirani (1993), chapter 13: at least 1000 for percentile intervals
LEAST = 3  # below three photos a resampled mean says nothing
SEED = 20261


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


@lru_cache(maxsize=64)
def _draws(size: int, seed: int) -> NDArray[np.float64]:
    """Return the weight of each of `size` photos in each resample; weights of a resample sum to 1. Shape (size, RESAMPLES)."""
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=RESAMPLES)
    weights: NDArray[np.float64] = counts.T / size
    return weights


@lru_cache(maxsize=64)
def tail(size: int) -> int:
    """Return the rank, from the outside, of the resample at each end of the interval; 50 for large `size`, less for small."""
    return max(1, round(RESAMPLES * beyond(size)))


def bootstrap(photos: Sequence[Sequence[float]]) -> tuple[Interval, ...]:
    """Return a 95% interval for the mean of each column of `photos`, which has one row per photo.

    Sorts each column first, so that the result does not depend on the order of the photos.
    Raises ValueError with fewer than three rows.
    """
    return _ends(_resampled_means(photos, SEED), tail(len(photos)))


def bootstrap_difference(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> tuple[Interval, ...]:
    """Return a 95% interval for the mean of each column of `second` minus that of `first`, both resampled independently.

    The smaller side decides how much the interval is widened. Raises ValueError with fewer than three rows on a side.
    """
    means = _resampled_means(second, SEED) - _resampled_means(first, SEED + 1)
    return _ends(means, tail(min(len(first), len(second))))


def _resampled_means(photos: Sequence[Sequence[float]], seed: int) -> NDArray[np.float64]:
    """Return the mean of each column in every resample. Shape (columns, RESAMPLES)."""
    if len(photos) < LEAST:
        raise ValueError(f"{len(photos)} photos are too few for an interval")
    columns = np.sort(np.asarray(photos, dtype=np.float64), axis=0).T  # (columns, photos)
    means: NDArray[np.float64] = columns @ _draws(columns.shape[1], seed)  # (columns, RESAMPLES)
    return means


def _ends(means: NDArray[np.float64], at: int) -> tuple[Interval, ...]:
    means.sort(axis=1)  # NumPy's sort is vectorised, which makes it faster than a partition
    return tuple(Interval(float(row[at - 1]), float(row[-at])) for row in means)
