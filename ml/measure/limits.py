"""The basis of the limits in `ml.serve.quality`: accuracy on validation faces that are blurred, darkened, brightened or shrunk.

    python -m ml.measure.limits --weights ml/weights --data fer2013.zip --votes fer2013_ferplus.csv

Prints one line per step: the change, the 5th, 50th and 95th percentile of the property that the quality check measures, and the
accuracy of the raters' head. A limit lies where the accuracy has dropped by about ten points, or where complete faces end.
"""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ml.data import FaceSet, rater_majority
from ml.intervals import Estimate, mean_of
from ml.measure.calibrate import all_logits
from ml.measure.command_line import faces_with_votes, parser_with_votes
from ml.measure.report import tell_unreadable
from ml.serve.card import load_card
from ml.serve.engines import open_engine
from ml.serve.expressions import HEADS
from ml.serve.preprocess import Pixels
from ml.serve.quality import measure_sharpness

SEED = 2013
Measure = Callable[[Pixels], float]
Change = Callable[[Image.Image, float], Image.Image]


def brightness_of(pixels: Pixels) -> float:
    """Return the mean grey value (0-255) of a face (48, 48)."""
    return float(pixels.mean())


def shrink(face: Image.Image, side: float) -> Image.Image:
    """Return the face reduced to `side` pixels and enlarged again."""
    return face.resize((round(side), round(side)), Image.Resampling.BOX).resize(face.size, Image.Resampling.BICUBIC)


def recompress(face: Image.Image) -> Image.Image:
    """Return the face after JPEG compression at quality 85, which costs dark pictures their grey values."""
    file = io.BytesIO()
    face.save(file, "JPEG", quality=85)
    return Image.open(file).convert("L")


LADDERS: dict[str, tuple[Change, Measure, tuple[float, ...]]] = {
    "blur, px": (
        lambda face, radius: face.filter(ImageFilter.GaussianBlur(radius)),
        measure_sharpness,
        (0, 0.6, 0.8, 1, 1.3, 1.6, 2),
    ),
    "light, share": (
        lambda face, share: recompress(face.point(lambda grey: share * grey)),
        brightness_of,
        (1, 0.5, 0.35, 0.25, 0.18, 0.12, 0.06),
    ),
    "darkness, share": (
        lambda face, share: recompress(face.point(lambda grey: 255 - share * (255 - grey))),
        brightness_of,
        (1, 0.5, 0.35, 0.25, 0.18, 0.12, 0.06),
    ),
    "side, px": (shrink, measure_sharpness, (48, 40, 32, 24, 16, 12)),
}


def climb(weights: Path, faces: FaceSet) -> Iterator[tuple[str, float, list[float], Estimate | None]]:
    """Yield each step of each ladder: name, step, three percentiles of the measured property, accuracy.

    Raises ValueError for faces without votes.
    """
    card = load_card(weights)
    engine = open_engine("onnx", weights, card)
    if faces.votes is None:
        raise ValueError("the limits are measured against FER+ votes")
    majority, _ = rater_majority(faces.votes)
    known = majority >= 0
    for name, (change, measure, steps) in LADDERS.items():
        for step in steps:
            changed = [np.asarray(change(Image.fromarray(pixels), step), np.uint8) for pixels in faces.pixels]
            logits = all_logits(engine, replace(faces, pixels=np.stack(changed)), card.normaliser)  # (2, N, 7)
            named = logits[HEADS.index(card.served_head)].argmax(axis=1)  # (N,)
            percentiles = np.percentile([measure(pixels) for pixels in changed], [5, 50, 95])
            yield name, step, [round(float(value), 3) for value in percentiles], mean_of((named == majority)[known])


@tell_unreadable()
def main() -> int:
    """Print the ladders. Returns the exit status."""
    parser = parser_with_votes("ml.measure.limits", __doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many faces (default 1000)")
    options = parser.parse_args()
    faces = faces_with_votes(options)
    chosen = np.random.default_rng(SEED).permutation(len(faces)) < options.count
    for name, step, percentiles, accuracy in climb(options.weights, faces.where(chosen)):
        interval = "none" if accuracy is None else "{value:.3f} [{low:.3f}, {high:.3f}]".format(**accuracy)
        sys.stdout.write(f"{name} {step}: measured {percentiles}, accuracy {interval}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
