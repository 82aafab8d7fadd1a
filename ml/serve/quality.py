"""Is this face good enough to be read? One check for each reason, each with what was measured and its limit."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml.serve.expressions import QualityCheck, Reason
from ml.serve.faces import Detection
from ml.serve.geometry import Points, share_cut_off
from ml.serve.preprocess import Pixels


@dataclass(frozen=True)
class QualityLimits:
    """Where a face becomes unreadable. Kept in model.json."""

    least_height_px: float = 48.0
    """Below, the network's input would be made up of pixels that no camera saw."""
    most_cut_off: float = 0.10
    """Share of the face that the edge of the photo may cut off."""
    least_score: float = 0.45
    """Detections under it on the sample photos were not faces, or under 20 px."""
    darkest_mean: float = 30.0
    """Mean grey value, 0-255."""
    brightest_mean: float = 225.0
    least_sharpness: float = 0.15
    """Deviation of the Laplacian over the deviation of the grey values, of the 48 px input."""
    most_turned: float = 0.65
    """Distance of the nose from the middle of the eyes, sideways, in distances between the eyes: 0 from the front."""


def measure_turn(landmarks: Points) -> float:
    """Return how far the nose lies beside the middle of the eyes, in distances between the eyes. Independent of roll."""
    left, right, nose = landmarks[:3]
    across = right - left
    distance = max(float(np.hypot(*across)), 1e-6)
    return float(abs((nose - (left + right) / 2) @ across)) / distance**2


def measure_sharpness(pixels: Pixels) -> float:
    """Return the deviation of the Laplacian over that of the grey values, independent of contrast. 0 for an even picture."""
    grey = pixels.astype(np.float32)
    laplacian = grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1] - 4 * grey[1:-1, 1:-1]
    return float(laplacian.std() / max(float(grey.std()), 1.0))


def check_quality(
    photo: Image.Image, found: Detection, upright: Detection, pixels: Pixels, limits: QualityLimits
) -> tuple[QualityCheck, ...]:
    """Return every check of the chosen face, in the order in which a failure is told.

    `found` is the face in the photo, `upright` the same after it was turned, `pixels` what the network would see.
    """
    cut_off = share_cut_off(found.face.box, *photo.size)
    mean = float(pixels.mean())
    return (
        at_most("share cut off by the edge", cut_off, limits.most_cut_off, Reason.CUT_OFF),
        at_least("face height in pixels", upright.face.box.height, limits.least_height_px, Reason.TOO_SMALL),
        at_least("mean brightness", mean, limits.darkest_mean, Reason.TOO_DARK),
        at_most("mean brightness", mean, limits.brightest_mean, Reason.TOO_BRIGHT),
        at_least("sharpness", measure_sharpness(pixels), limits.least_sharpness, Reason.TOO_BLURRED),
        at_most("turn of the head", measure_turn(upright.landmarks), limits.most_turned, Reason.TURNED_AWAY),
        at_least("detector score", upright.face.detector_score, limits.least_score, Reason.UNCERTAIN_FACE),
    )


def at_least(name: str, measured: float, limit: float, reason: Reason) -> QualityCheck:
    """Return the check that `measured` reaches `limit`."""
    return QualityCheck(name, round(measured, 3), limit, measured >= limit, reason)


def at_most(name: str, measured: float, limit: float, reason: Reason) -> QualityCheck:
    """Return the check that `measured` does not pass `limit`."""
    return QualityCheck(name, round(measured, 3), limit, measured <= limit, reason)
