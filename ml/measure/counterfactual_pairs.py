"""Counterfactual pairs of rendered faces: two pictures of one mesh that differ in one parameter, and how their readings differ.

Means come with 95 % bootstrap intervals over meshes. Pictures of one mesh are not independent, so whole meshes are resampled, never
single pictures. There are few meshes, so the intervals use expanded percentiles (`ml.intervals.beyond`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.intervals import beyond
from ml.serve.expressions import EXPRESSIONS, NEGATIVE

Floats = NDArray[np.float64]
Json = dict[str, Any]  # Any: JSON

RESAMPLES, SEED = 2000, 2013
VALENCE_WEIGHTS = np.array([1.0 if name == "happy" else -1.0 if name in NEGATIVE else 0.0 for name in EXPRESSIONS])  # (7,)
"""The valence index is the dot product of these and the probabilities."""


@dataclass(frozen=True)
class Pairs:
    """The readings of P pairs.

    meshes (P,): which mesh each pair shows; intended (P,): index of the expression that the picture was made to show; first and
    second (P, 7): the probabilities of each picture, in label order.
    """

    meshes: NDArray[np.int64]
    intended: NDArray[np.int64]
    first: Floats
    second: Floats

    @property
    def change(self) -> Floats:
        """Return second minus first, (P, 7)."""
        return self.second - self.first

    @property
    def moved(self) -> Floats:
        """Return the total variation distance of each pair (P,), in [0, 1]: 0 where both pictures are read alike."""
        return np.asarray(np.abs(self.change).sum(axis=1) / 2)


def mean_over_meshes(values: Floats, meshes: NDArray[np.int64]) -> Json:
    """Return the estimate of the mean of the values (P,), with whole meshes (P,) resampled."""
    names, place = np.unique(meshes, return_inverse=True)  # (M,), (P,)
    sums, counts = np.bincount(place, weights=values), np.bincount(place)  # (M,), (M,)
    drawn = np.random.default_rng(SEED).integers(0, len(names), (RESAMPLES, len(names)))  # (RESAMPLES, M)
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)  # (RESAMPLES,)
    outside = 100 * beyond(max(2, len(names)))
    low, high = np.percentile(means, [outside, 100 - outside])
    return {"value": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5), "n": len(values)}


def compare(pairs: Pairs) -> Json:
    """Return how the second pictures are read differently from the first.

    `moved`: the mean of Pairs.moved, 0 to 1. `renamed`: how often the largest probability belongs to another expression.
    `intended`, `valence`, `probabilities`: signed differences, second minus first.
    """
    renamed = pairs.first.argmax(axis=1) != pairs.second.argmax(axis=1)  # (P,)
    rows = np.arange(len(pairs.meshes))
    return {
        "pairs": len(rows),
        "moved": mean_over_meshes(pairs.moved, pairs.meshes),
        "renamed": mean_over_meshes(renamed.astype(np.float64), pairs.meshes),
        "intended": mean_over_meshes(pairs.change[rows, pairs.intended], pairs.meshes),
        "valence": mean_over_meshes(pairs.change @ VALENCE_WEIGHTS, pairs.meshes),
        "probabilities": {name: mean_over_meshes(pairs.change[:, index], pairs.meshes) for index, name in enumerate(EXPRESSIONS)},
        "intended_by_expression": {
            name: mean_over_meshes(pairs.change[chosen, index], pairs.meshes[chosen])
            for index, name in enumerate(EXPRESSIONS)
            if (chosen := pairs.intended == index).any()
        },
    }


def largest_noise(noise: dict[str, Json]) -> tuple[str, Json]:
    """Return the name of the disturbance whose interval of `moved` reaches furthest, and that estimate."""
    name = max(noise, key=lambda each: noise[each]["moved"]["high"])
    return name, noise[name]["moved"]


def is_beyond(comparison: Json, noise: dict[str, Json]) -> bool:
    """Whether the whole interval of `moved` lies above that of every disturbance."""
    return bool(comparison["moved"]["low"] > largest_noise(noise)[1]["high"])
