"""What reading large photos at half size changes: validation faces in photos of 12 megapixels, read in full and at half size.

    python -m ml.measure.half_size --data fer2013.zip [--weights ml/weights] [--faces 300]

Prints one JSON object: how many outcomes differ; how many faces read both ways got another name; how much the probability of the
named expression differs (median, 95th percentile, largest); how many photos were read in full after all; milliseconds of the
processor for a photo both ways, decoding included.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.data import load_split
from ml.decode.made import open_made
from ml.measure.photos import draw_background
from ml.serve.expressions import Reading
from ml.serve.half_size import read_photo
from ml.serve.preprocess import Pixels
from ml.serve.reader import WEIGHTS, FaceReader

SIZE = (4000, 3000)
SIDES_PX = (150, 2400)
"""Sides of the faces: from a twentieth of the photo's height to most of it."""
MOST_ROLL_DEGREES = 15.0
WITHOUT_FACE = 20


def photo_of(pixels: Pixels | None, rng: np.random.Generator) -> bytes:
    """Return a JPEG of 12 megapixels with the face (48, 48), if any, at a random size, place and roll."""
    photo = draw_background(rng).resize(SIZE, Image.Resampling.BICUBIC)
    if pixels is not None:
        side, roll = round(np.exp(rng.uniform(*np.log(SIDES_PX)))), float(rng.uniform(-MOST_ROLL_DEGREES, MOST_ROLL_DEGREES))
        face = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        turned, mask = (each.rotate(roll, Image.Resampling.BICUBIC, expand=True) for each in (face, Image.new("L", face.size, 255)))
        left, top = int(rng.integers(0, SIZE[0] - turned.width)), int(rng.integers(0, SIZE[1] - turned.height))
        photo.paste(turned.convert("RGB"), (left, top), mask)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92, subsampling=0)
    return file.getvalue()


def timed(read: Callable[[bytes], Reading], jpeg: bytes) -> tuple[Reading, float]:
    """Return a reading and the milliseconds of the processor that it took."""
    began = time.process_time()
    reading = read(jpeg)
    return reading, 1000 * (time.process_time() - began)


def measure(reader: FaceReader, photos: list[bytes]) -> dict[str, Any]:  # Any: JSON
    """Return what differs between both ways, and what they cost."""

    def in_whole(jpeg: bytes) -> Reading:
        return reader.read(open_made(jpeg))

    def at_half(jpeg: bytes) -> Reading:
        def opened(least_px: int | None) -> Image.Image:
            in_full.append(least_px is None)
            return open_made(jpeg, least_px)

        return read_photo(reader, opened, SIZE[0])

    differing, named, differences, costs = 0, 0, [], []
    in_full: list[bool] = []
    for jpeg in photos:
        whole, whole_ms = timed(in_whole, jpeg)
        half, half_ms = timed(at_half, jpeg)
        costs.append((whole_ms, half_ms))
        differing += whole.outcome != half.outcome
        if whole.probabilities is not None and half.probabilities is not None:
            best = int(np.argmax(whole.probabilities))
            named += best != int(np.argmax(half.probabilities))
            differences.append(abs(whole.probabilities[best] - half.probabilities[best]))
    mean_whole, mean_half = np.mean(costs, axis=0)
    found: dict[str, Any] = {"photos": len(photos), "outcomes_differ": differing, "read_in_full": sum(in_full)}  # Any: JSON
    if differences:
        spread = np.percentile(differences, (50, 95, 100)).round(3).tolist()
        found |= {"read_both_ways": len(differences), "named_otherwise": named, "difference": spread}
    return found | {"whole_ms": round(float(mean_whole)), "half_ms": round(float(mean_half))}


def main() -> int:
    """Measure and print. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.half_size", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--data", type=Path, required=True, help="FER2013")
    parser.add_argument("--faces", type=int, default=300)
    options = parser.parse_args()
    rng, faces = np.random.default_rng(0), load_split(options.data, "validation")
    chosen = rng.choice(len(faces), options.faces, replace=False)
    reader = FaceReader(options.weights)
    with_face = measure(reader, [photo_of(faces.pixels[index], rng) for index in chosen])
    without = measure(reader, [photo_of(None, rng) for _ in range(WITHOUT_FACE)])
    sys.stdout.write(json.dumps({"with_face": with_face, "without_face": without}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
