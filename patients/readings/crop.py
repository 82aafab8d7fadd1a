"""How a photo and its faces fit into the frame of a card: coordinates for an SVG, in pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass

WIDE = 800 / 340
"""Aspect ratio, width to height, of a card that shows several faces."""


@dataclass(frozen=True)
class Box:
    """A rectangle: top left corner, width and height."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def as_view_box(self) -> str:
        """Return the rectangle as the viewBox of an SVG."""
        return f"{self.left:.0f} {self.top:.0f} {self.width:.0f} {self.height:.0f}"


def face_boxes(faces: list[dict[str, dict[str, float]]]) -> list[Box]:
    """Return the boxes of the faces that a prediction keeps."""
    return [Box(**face["box"]) for face in faces]


def square(width: int, height: int, face: Box | None) -> Box:
    """Return the largest square that fits into the photo, centred on the face as far as the edges allow."""
    side = min(width, height)
    middle_x = face.left + face.width / 2 if face else width / 2
    middle_y = face.top + face.height / 2 if face else height / 2
    return Box(_inside(middle_x - side / 2, side, width), _inside(middle_y - side / 2, side, height), side, side)


def wide(width: int, height: int, faces: list[Box]) -> Box:
    """Return the wide rectangle that holds every face with a margin, inside the photo where it fits."""
    left, top = min(face.left for face in faces), min(face.top for face in faces)
    right, bottom = max(face.right for face in faces), max(face.bottom for face in faces)
    tall = max((bottom - top) * 1.4, (right - left) * 1.2 / WIDE)
    broad = tall * WIDE
    return Box(_inside((left + right - broad) / 2, broad, width), _inside((top + bottom - tall) / 2, tall, height), broad, tall)


def corners(face: Box) -> str:
    """Return the path of four corner brackets around the face."""
    arm = 0.16 * min(face.width, face.height)
    left, top, right, bottom = face.left, face.top, face.right, face.bottom
    strokes = (
        (left, top + arm, left, top, left + arm, top),
        (right - arm, top, right, top, right, top + arm),
        (right, bottom - arm, right, bottom, right - arm, bottom),
        (left + arm, bottom, left, bottom, left, bottom - arm),
    )
    return "".join("M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}".format(*stroke) for stroke in strokes)


def _inside(start: float, size: float, whole: float) -> float:
    """Return `start` moved so that the piece lies within the whole; a piece larger than the whole is centred."""
    return (whole - size) / 2 if size > whole else max(0.0, min(start, whole - size))
