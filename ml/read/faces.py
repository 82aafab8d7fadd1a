"""Which faces of a photo are read, and what a photo's reading holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..serve.expressions import EXPRESSIONS, Face, FaceBox, Outcome, QualityCheck, Reading, Reason, valence_index
from ..serve.faces import choose_face

Choose = Callable[[tuple[Face, ...]], Sequence[int]]
CHOICES = ("clear", "largest", "all")
"""The face that is clearly the largest, as on the server; the largest in any case; every face. A number N: the Nth largest."""
FEWER_FACES = "fewer_faces"
"""The reason when the photo has fewer faces than the number asked for."""


def face_choice(choice: str) -> Choose:
    """Return what chooses faces. Raises ValueError for anything but one of CHOICES or a number from 1."""
    if choice == "clear":
        return _clear
    if choice == "largest":
        return lambda faces: range(len(faces[:1]))
    if choice == "all":
        return lambda faces: range(len(faces))
    if not (choice.isascii() and choice.isdigit() and int(choice)):
        raise ValueError(f"{choice!r} is not {', '.join(CHOICES)} or a number from 1")
    wanted = int(choice) - 1
    return lambda faces: (wanted,) if wanted < len(faces) else ()


def _clear(faces: tuple[Face, ...]) -> tuple[int, ...]:
    chosen = choose_face(faces)
    return () if chosen is None else (chosen,)


@dataclass(frozen=True)
class FaceReading:
    """One face of a photo. `number` counts from 1, the largest.

    `state` is done, rejected or not_chosen. `probabilities` by expression are calibrated and sum to 1; None unless done.
    """

    number: int
    box: FaceBox
    detector_score: float
    roll_degrees: float
    state: str = "not_chosen"
    reason: Reason | None = None
    probabilities: Mapping[str, float] | None = None
    valence_index: float | None = None
    too_close_to_call: bool | None = None
    quality: tuple[QualityCheck, ...] = ()


@dataclass(frozen=True)
class PhotoReading:
    """What came of one file.

    `state` is done (a face was read), rejected, choose_face, no_face or failed. `reason` says why there is no result: a Reason of
    the only face, fewer_faces, or the code of a file that could not be opened (docs/upload-codes.md). `width` and `height` are
    those of the upright photo in which boxes are measured; None if it could not be opened. `taken_at` is the camera's clock, with a
    zone only where the camera wrote one.
    """

    file: str
    state: str
    reason: str | None = None
    sha256: str | None = None
    taken_at: datetime | None = None
    width: int | None = None
    height: int | None = None
    faces: tuple[FaceReading, ...] = ()
    face_choice: str = "clear"
    model_version: str | None = None
    milliseconds: Mapping[str, float] | None = None

    @property
    def faces_read(self) -> tuple[FaceReading, ...]:
        """The faces that were chosen: done or rejected."""
        return tuple(face for face in self.faces if face.state != "not_chosen")


def of_photo(readings: Sequence[Reading], choice: str) -> dict[str, Any]:  # Any: fields of a PhotoReading
    """Return state, reason, faces, choice and model version of one photo. `readings` are of its chosen faces, at least one."""
    found = enumerate(readings[0].faces, 1)
    faces = [FaceReading(number, face.box, face.detector_score, face.roll_degrees) for number, face in found]
    for reading in readings:
        if reading.chosen is not None:
            faces[reading.chosen] = _read_face(reading, reading.chosen)
    best = next((each for each in readings if each.outcome == Outcome.DONE), readings[0])
    state, reason = str(best.outcome), str(best.reason) if best.reason and len(readings) == 1 else None
    if best.outcome == Outcome.CHOOSE_FACE and choice != "clear":
        state, reason = str(Outcome.NO_FACE), FEWER_FACES
    return {
        "state": state,
        "reason": reason,
        "faces": tuple(faces),
        "face_choice": choice,
        "model_version": best.model_version,
    }


def _read_face(reading: Reading, index: int) -> FaceReading:
    face, shares = reading.faces[index], reading.probabilities
    return FaceReading(
        index + 1,
        face.box,
        face.detector_score,
        face.roll_degrees,
        str(reading.outcome),
        reading.reason,
        None if shares is None else dict(zip(EXPRESSIONS, shares, strict=True)),
        None if shares is None else valence_index(shares),
        None if shares is None else reading.abstained,
        reading.quality,
    )
