"""How much accuracy survives the way through a photo: validation faces are put into photos, found, cropped and read.

    python -m ml.parity --weights ml/weights --data fer2013.zip --votes fer2013_ferplus.csv --count 1000

Each face is enlarged to a random size, turned by up to 25 degrees, put at a random place on a background of 640 x 480, found again,
turned upright and cropped as the reader does. Its accuracy is compared with that of the same faces given to the network directly.
The numbers go into report.json.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.calibrate import all_logits
from ml.card import add_to_report, load_card
from ml.data import FaceSet, join_votes, load_split, read_votes
from ml.engines import open_engine
from ml.evaluate import accuracies
from ml.faces import FaceFinder
from ml.measures import mean_of
from ml.preprocess import Pixels, to_pixels
from ml.quality import QualityLimits, check_quality
from ml.reader import crop_face

PHOTO_SIZE = (640, 480)
FACE_SIDES_PX = (110, 300)
MOST_ROLL_DEGREES = 25.0
SEED = 2013


def draw_background(rng: np.random.Generator) -> Image.Image:
    """Return a photo without a face: blotches of random colours, out of focus, with the noise of a camera."""
    columns, rows = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    blotches = Image.fromarray(rng.integers(30, 226, (rows, columns, 3), dtype=np.uint8)).resize(
        PHOTO_SIZE, Image.Resampling.BICUBIC
    )
    noisy = np.asarray(blotches) + rng.normal(0, 6, (PHOTO_SIZE[1], PHOTO_SIZE[0], 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def place_face(pixels: Pixels, rng: np.random.Generator) -> Image.Image:
    """Return a photo with the face at a random size, place and roll."""
    photo = draw_background(rng)
    side = int(rng.integers(*FACE_SIDES_PX))
    roll = float(rng.uniform(-MOST_ROLL_DEGREES, MOST_ROLL_DEGREES))
    face = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    turned, mask = (each.rotate(roll, Image.Resampling.BICUBIC, expand=True) for each in (face, Image.new("L", face.size, 255)))
    left, top = int(rng.integers(0, PHOTO_SIZE[0] - turned.width)), int(rng.integers(0, PHOTO_SIZE[1] - turned.height))
    photo.paste(turned.convert("RGB"), (left, top), mask)
    return photo


def find_again(
    finder: FaceFinder, pixels: Pixels, frame: float, limits: QualityLimits, rng: np.random.Generator
) -> tuple[Pixels, list[str]] | None:
    """Return the face as the reader would crop it out of a photo, and the reasons to reject it; None if it is not found."""
    photo = place_face(pixels, rng)
    seen = finder.find(photo)
    if not seen:
        return None
    upright = finder.turn_upright(photo, seen[0])
    cropped = to_pixels(crop_face(upright, frame))
    checks = check_quality(photo, seen[0], upright.sighting, cropped, limits)
    return cropped, [check.reason.value for check in checks if not check.passed]


def measure_parity(weights: Path, faces: FaceSet, count: int) -> dict[str, Any]:  # Any: a JSON object
    """Return accuracies before and after the way through photos, shares not found and rejected, and reasons."""
    card, finder, rng = load_card(weights), FaceFinder(weights), np.random.default_rng(SEED)
    chosen = np.sort(rng.choice(len(faces), min(count, len(faces)), replace=False))
    again = [find_again(finder, faces.pixels[index], card.frame, card.limits, rng) for index in chosen]
    was_found = np.isin(np.arange(len(faces)), chosen[[found is not None for found in again]])
    direct = faces.where(was_found)
    cropped = np.stack([found[0] for found in again if found is not None])
    through = FaceSet(cropped, direct.labels, direct.names, direct.votes)
    reasons = [reason for found in again if found is not None for reason in found[1]]
    engine = open_engine("onnx", weights, card)
    return {
        "faces": len(chosen),
        "not_found": mean_of(np.array([found is None for found in again])),
        "rejected": mean_of(np.array([bool(found[1]) for found in again if found is not None])),
        "reasons": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "direct": accuracies(all_logits(engine, direct, card.normaliser), direct),
        "through_photos": accuracies(all_logits(engine, through, card.normaliser), through),
    }


def main() -> int:
    """Measure, and add the result to report.json as `parity`. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.parity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights folder")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    parser.add_argument("--count", type=int, default=1000, help="how many faces (default 1000)")
    options = parser.parse_args()
    faces = join_votes(load_split(options.data, "validation"), read_votes(options.votes))
    found = measure_parity(options.weights, faces, options.count)
    add_to_report(options.weights, "parity", found)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
