"""The seven expressions and the reading of one photo. Pure Python: importing it loads no library."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any, Self

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Label order of the network, the database and every export."""

HEADS = ("raters", "fer2013")
"""`raters`: predicts ten raters' vote shares; this head serves. `fer2013`: predicts the original label, for comparison."""

INPUT_SIDE = 48
"""Pixels along each edge of the network's input: the size of the FER2013 faces (Goodfellow et al. 2013)."""

NEGATIVE = ("angry", "disgust", "fear", "sad")


_HAPPY = EXPRESSIONS.index("happy")
_negative = itemgetter(*(EXPRESSIONS.index(name) for name in NEGATIVE))  # timelines and exports ask thousands of times


def valence_index(probabilities: tuple[float, ...]) -> float:
    """Return `happy - (angry + disgust + fear + sad)` of seven probabilities in label order, in [-1, 1]."""
    value: float = probabilities[_HAPPY] - sum(_negative(probabilities))
    return value


class Outcome(StrEnum):
    """How a reading ends. Each outcome is a result; a fault raises an exception instead."""

    DONE = "done"
    NO_FACE = "no_face"
    CHOOSE_FACE = "choose_face"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a face was detected but not read."""

    TOO_SMALL = "too_small"
    TOO_BLURRED = "too_blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"
    UNCERTAIN_FACE = "uncertain_face"


@dataclass(frozen=True)
class FaceBox:
    """A face in pixels of the upright photo: top left corner, width and height. May reach beyond the edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    def shared(self, other: Self) -> float:
        """Return the area that lies in both boxes, in square pixels."""
        wide = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        high = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)

    def scaled(self, scale: float) -> Self:
        """Return the box in a picture `scale` times as large."""
        return type(self)(scale * self.left, scale * self.top, scale * self.width, scale * self.height)

    def overlap(self, other: Self) -> float:
        """Return the intersection over union of both boxes, in [0, 1]."""
        shared = self.shared(other)
        return shared / max(self.area + other.area - shared, 1e-9)

    def nesting(self, other: Self) -> float:
        """Return the share of the smaller box that lies in the larger one, in [0, 1]."""
        return self.shared(other) / max(min(self.area, other.area), 1e-9)


@dataclass(frozen=True)
class Face:
    """One detected face. `detector_score` in [0, 1]; roll is positive when the head leans clockwise."""

    box: FaceBox
    detector_score: float
    roll_degrees: float = 0.0


@dataclass(frozen=True)
class QualityCheck:
    """One measured property of the chosen face against its limit, for example sharpness 14 of at least 40."""

    name: str
    measured: float
    limit: float
    passed: bool
    reason: Reason


@dataclass(frozen=True)
class Reading:
    """The reading of one photo.

    `chosen` is an index into `faces`; None when there is no face or a clinician must choose. `probabilities` are seven calibrated
    probabilities in label order that sum to 1, of the `raters` head; `fer2013` are those of the other head, which are not
    calibrated; `input_png` is the 48x48 grey input of the network, as PNG bytes. All three are None unless the outcome is DONE.
    `abstained`: no probability reaches the threshold, so the result is too close to call. `milliseconds` by stage.
    """

    outcome: Outcome
    model_version: str
    reason: Reason | None = None
    faces: tuple[Face, ...] = ()
    chosen: int | None = None
    probabilities: tuple[float, ...] | None = None
    fer2013: tuple[float, ...] | None = None
    abstained: bool = False
    quality: tuple[QualityCheck, ...] = ()
    input_png: bytes | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()

    def as_json(self) -> dict[str, Any]:  # Any: a JSON object
        """Return the reading as plain JSON types, probabilities by expression, without the picture."""
        fields = asdict(self)
        del fields["input_png"]
        if self.probabilities is not None:
            fields["probabilities"] = dict(zip(EXPRESSIONS, self.probabilities, strict=True))
        if self.fer2013 is not None:
            fields["fer2013"] = dict(zip(EXPRESSIONS, self.fer2013, strict=True))
        fields["milliseconds"] = dict(self.milliseconds)
        return fields
