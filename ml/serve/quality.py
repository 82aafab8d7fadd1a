"""Is this face good enough to read? One check per reason, each with the measured value and its limit."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .expressions import QualityCheck, Reason
from .faces import Detection
from .geometry import Points, share_cut_off
from .preprocess import Pixels

HEIGHT = "face height in pixels"


@dataclass(frozen=True)
class QualityLimits:
    """Where a face becomes unreadable. Kept in model.json."""

    least_height_px: float = 48.0
    """Below, the network's input would consist of interpolated pixels."""
    most_cut_off: float = 0.10
    """Share of the face that the edge of the photo may cut off, as estimated by `share_cut_off`."""
    least_score: float = 0.45
    """On the sample photos, detections with lower scores were not faces, or were smaller than 20 px."""
    small_photo_px: float = 128.0
    """Longer side of a photo that shows too little for the lower limit: an animal's face resembles a person's there."""
    least_score_when_small: float = 0.6
    """In such photos people's faces score higher: 0.61 at 128 px and 0.70 at 64 px, the 5th percentiles of 60 faces."""
    darkest_mean: float = 30.0
    """Mean grey value, 0-255."""
    brightest_mean: float = 225.0
    least_sharpness: float = 0.15
    """Standard deviation of the Laplacian over that of the grey values, on the 48x48 input."""
    most_turned: float = 0.65
    """Sideways distance of the nose from the midpoint of the eyes, in distances between the eyes: 0 from the front."""


def measure_turn(landmarks: Points) -> float:
    """Return how far the nose of landmarks (5, 2) lies beside the midpoint of the eyes, in distances between the eyes.

    Independent of roll.
    """
    left, right, nose = landmarks[:3]  # (2,) each
    across = right - left  # (2,)
    distance = max(float(np.hypot(*across)), 1e-6)
    return float(abs((nose - (left + right) / 2) @ across)) / distance**2


def measure_sharpness(pixels: Pixels) -> float:
    """Return the standard deviation of the Laplacian over that of the grey values (48, 48); 0 for a uniform picture.

    Independent of contrast.
    """
    grey = pixels.astype(np.float32)  # (48, 48)
    laplacian = grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1] - 4 * grey[1:-1, 1:-1]  # (46, 46)
    return float(laplacian.std() / max(float(grey.std()), 1.0))


def least_score_in(photo: Image.Image, limits: QualityLimits) -> float:
    """Return the detector score that a face in this photo must reach."""
    return limits.least_score_when_small if max(photo.size) <= limits.small_photo_px else limits.least_score


def check_quality(
    photo: Image.Image, detection: Detection, upright: Detection, pixels: Pixels, score: float, limits: QualityLimits
) -> tuple[QualityCheck, ...]:
    """Return every check of the chosen face; the first that fails gives the reason.

    `detection` is the face in the photo, `upright` the same face after rotation, `pixels` (48, 48) the input of the network,
    `score` the surest of the detector's looks at it.
    """
    cut_off = share_cut_off(detection.face.box, *photo.size)
    mean = float(pixels.mean())
    return (
        at_most("share cut off by the edge", cut_off, limits.most_cut_off, Reason.CUT_OFF),
        at_least(HEIGHT, upright.face.box.height, limits.least_height_px, Reason.TOO_SMALL),
        at_least("mean brightness", mean, limits.darkest_mean, Reason.TOO_DARK),
        at_most("mean brightness", mean, limits.brightest_mean, Reason.TOO_BRIGHT),
        at_least("sharpness", measure_sharpness(pixels), limits.least_sharpness, Reason.TOO_BLURRED),
        at_most("turn of the head", measure_turn(upright.landmarks), limits.most_turned, Reason.TURNED_AWAY),
        at_least("detector score", score, least_score_in(photo, limits), Reason.UNCERTAIN_FACE),
    )


def at_least(name: str, measured: float, limit: float, reason: Reason) -> QualityCheck:
    """Return the check that `measured` reaches `limit`."""
    return QualityCheck(name, round(measured, 3), limit, measured >= limit, reason)


def at_most(name: str, measured: float, limit: float, reason: Reason) -> QualityCheck:
    """Return the check that `measured` does not exceed `limit`."""
    return QualityCheck(name, round(measured, 3), limit, measured <= limit, reason)
