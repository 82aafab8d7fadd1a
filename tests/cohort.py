"""The rendered portraits that ship with the demo, for tests that need faces. They show no real person."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ml.serve.expressions import FaceBox

FOLDER = Path(__file__).resolve().parent.parent / "demo"


@dataclass(frozen=True)
class Portrait:
    """One picture: its path, the expected reading, the face box by construction (None: spoiled), and how happy it is."""

    path: Path
    expected: str
    face: FaceBox | None
    smile: float


@cache
def portraits() -> tuple[Portrait, ...]:
    """Return every picture of the demo, in the order of the file."""
    described = json.loads((FOLDER / "cohort.json").read_text())
    photos = [photo for patient in described["patients"] for visit in patient["visits"] for photo in visit["photos"]]
    return tuple(
        Portrait(
            FOLDER / "portraits" / photo["file"],
            photo["expected"],
            FaceBox(*photo["face"]) if "face" in photo else None,
            photo.get("intended", {}).get("happy", 0.0),
        )
        for photo in photos
    )


def good_portraits() -> list[Portrait]:
    """Return those with one face that can be read."""
    return [portrait for portrait in portraits() if portrait.expected == "done"]


def clear_portraits() -> list[Portrait]:
    """Return those with a smile so broad that the reader never abstains."""
    return [portrait for portrait in good_portraits() if portrait.smile > 0.7]


def spoiled_portraits() -> list[Portrait]:
    """Return those that must fail."""
    return [portrait for portrait in portraits() if portrait.expected != "done"]
