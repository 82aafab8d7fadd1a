"""Pairs of readings of twins, and what the pairs differ by: means with 95 % bootstrap intervals over meshes.

Pictures of one mesh are not independent, so whole meshes are drawn again, never single pictures. They are few: the ends of the
intervals lie as far out as that asks for.
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
SIGNS = np.array([1.0 if name == "happy" else -1.0 if name in NEGATIVE else 0.0 for name in EXPRESSIONS])
"""The valence index is the product of these with the shares."""


@dataclass(frozen=True)
class Pairs:
    """Shares (pairs, 7) of the one twin and of the other, the mesh of each pair, and the index of what the picture intends."""

    meshes: NDArray[np.int64]
    intended: NDArray[np.int64]
    first: Floats
    second: Floats

    @property
    def change(self) -> Floats:
        """Return by how much the second twin's shares are larger."""
        return self.second - self.first

    @property
    def moved(self) -> Floats:
        """Return half the sum of the absolute differences of each pair's shares (pairs,): 0 where twins are read alike."""
        return np.asarray(np.abs(self.change).sum(axis=1) / 2)


def over_meshes(values: Floats, meshes: NDArray[np.int64]) -> Json:
    """Return the mean of the values and its interval, meshes drawn again."""
    names, place = np.unique(meshes, return_inverse=True)
    sums, counts = np.bincount(place, weights=values), np.bincount(place)
    drawn = np.random.default_rng(SEED).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    outside = 100 * beyond(max(2, len(names)))
    low, high = np.percentile(means, [outside, 100 - outside])
    return {"value": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5), "n": len(values)}


def compare(pairs: Pairs) -> Json:
    """Return what the twins differ by.

    `moved`: the mean of Pairs.moved, 0 to 1. `renamed`: how often the largest share is another expression's. `intended`, `valence`,
    `shares`: signed differences, second minus first.
    """
    renamed = pairs.first.argmax(axis=1) != pairs.second.argmax(axis=1)
    rows = np.arange(len(pairs.meshes))
    return {
        "pairs": len(rows),
        "moved": over_meshes(pairs.moved, pairs.meshes),
        "renamed": over_meshes(renamed.astype(np.float64), pairs.meshes),
        "intended": over_meshes(pairs.change[rows, pairs.intended], pairs.meshes),
        "valence": over_meshes(pairs.change @ SIGNS, pairs.meshes),
        "shares": {name: over_meshes(pairs.change[:, index], pairs.meshes) for index, name in enumerate(EXPRESSIONS)},
        "intended_by_expression": {
            name: over_meshes(pairs.change[chosen, index], pairs.meshes[chosen])
            for index, name in enumerate(EXPRESSIONS)
            if (chosen := pairs.intended == index).any()
        },
    }


def largest(noise: dict[str, Json]) -> tuple[str, Json]:
    """Return the disturbance whose interval reaches furthest, and by how much it moves the shares."""
    name = max(noise, key=lambda each: noise[each]["moved"]["high"])
    return name, noise[name]["moved"]


def is_beyond(found: Json, noise: dict[str, Json]) -> bool:
    """Whether twins move the shares by clearly more than every disturbance does."""
    return bool(found["moved"]["low"] > largest(noise)[1]["high"])
