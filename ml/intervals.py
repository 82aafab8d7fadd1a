"""Bootstrap intervals: 95 %, over resamples of the faces.

An estimate is `{"value": 0.81, "low": 0.80, "high": 0.82, "n": 3587}`: the value on all n faces, and the 2.5th and 97.5th
percentile over resamples of the faces.
"""

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Estimate = dict[str, float | int]

RESAMPLES = 1000
SEED = 2013
NORMAL = NormalDist()


def estimate(measure: Callable[[Indices], float], count: int, is_biased: bool = False) -> Estimate | None:
    """Return the estimate of `measure`, a function of the indices of chosen faces; None when `count` is 0.

    `is_biased` is for sums of absolute gaps: resampling adds noise and so enlarges the gaps. The interval is then shifted by the
    mean of that excess.
    """
    if count == 0:
        return None
    rng = np.random.default_rng(SEED)
    drawn = np.array([measure(rng.integers(0, count, count)) for _ in range(RESAMPLES)])
    value = measure(np.arange(count))
    if is_biased:
        drawn = np.maximum(drawn - (np.nanmean(drawn) - value), 0)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return {"value": round(value, 5), "low": round(float(low), 5), "high": round(float(high), 5), "n": count}


def student(freedom: int) -> float:
    """Return the 97.5 % point of Student's distribution, to 1 % from 3 degrees of freedom on (Abramowitz & Stegun 26.7.5)."""
    z = NORMAL.inv_cdf(0.975)
    terms = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return z + terms[0] / freedom + terms[1] / freedom**2 + terms[2] / freedom**3


def beyond(size: int) -> float:
    """Return the share of the resampled means of `size` values, at least 2, that lies outside each end of a 95 % interval.

    0.025 for many. The plain percentile interval of a few values is too narrow: the variance of its resamples is too small by
    (n - 1) / n, and they follow a normal law where Student's is due. Hesterberg (2015, The American Statistician 69, 371) takes
    percentiles further out instead, by as much as makes up for both.
    """
    return NORMAL.cdf(-student(size - 1) * sqrt(size / (size - 1)))


def mean_of(values: Floats | NDArray[np.bool_]) -> Estimate | None:
    """Return the estimate of the mean of values (N,); None when there are none."""
    return estimate(lambda chosen: float(values[chosen].mean()), len(values))
