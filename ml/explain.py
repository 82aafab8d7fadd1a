"""Which parts of a face moved the score: cover one part after the other, and see how much of the named share goes (occlusion).

Zeiler and Fergus 2014. Chosen over gradients because it runs on the engine that serves, asks nothing of the network's inside, and
says something that can be said aloud: without this part, the share would be so much lower.

    python -m ml.explain --weights ml/weights --data fer2013.zip --votes fer2013_ferplus.csv

measures on clear faces whether the maps lie where each expression is known to lie, and whether they depend on what was learned.
"""

import argparse
import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.card import ModelCard, add_to_report, load_card, tell_unreadable
from ml.config import INPUT_SIDE
from ml.data import FaceSet, join_votes, load_split, rater_shares, read_votes
from ml.engines import Engine, KerasEngine, mirrored_logits, open_engine, softmax
from ml.expressions import EXPRESSIONS
from ml.measures import mean_of
from ml.model import HEADS
from ml.preprocess import Pixels

COVER_PX = 12
"""Side of the cover: about a mouth's height or an eye with its brow."""
STEP_PX = 4
SOFT_PX = 2.0
"""Width over which the cover fades in. A hard edge is a feature of its own, which the network reacts to."""
DRAWN_SIDE_PX = 192
INK = (10, 104, 128)
FAINT_DROP = 0.05
"""A face whose name hangs on no place shows no dark one: otherwise the map would invent a reason."""
CLEAR = 0.9
"""Share of the counted votes for one name: such faces show where an expression lies."""
PARTS = {"brows": slice(8, 22), "mouth": slice(30, 44)}
"""Rows of the frame in which brows and eyes, and the mouth, lie on most faces."""


@dataclass(frozen=True)
class Explanation:
    """What each place of the 48x48 input contributed to the share of one expression.

    drops (48, 48): how much lower the share is, in shares, when this place is covered; below zero where covering raises it.
    """

    expression: int
    share: float
    drops: NDArray[np.float32]

    @property
    def largest_drop(self) -> float:
        """Return how much of the share goes at the place that matters most, in shares, at least 0."""
        return max(0.0, float(self.drops.max()))

    def draw(self, pixels: Pixels) -> bytes:
        """Return a PNG of the pale face, darker the more of the share goes. Drops under FAINT_DROP stay faint."""
        size = (DRAWN_SIDE_PX, DRAWN_SIDE_PX)
        face = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), np.float32)[..., np.newaxis]
        strength = np.clip(self.drops / max(self.largest_drop, FAINT_DROP), 0, 1).astype(np.float32)
        cover = np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BICUBIC))[..., np.newaxis] * 0.9
        drawn = (115 + 0.55 * face) * (1 - cover) + np.array(INK, np.float32) * cover
        file = io.BytesIO()
        Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8)).save(file, "PNG", optimize=True)
        return file.getvalue()


def explain(engine: Engine, card: ModelCard, pixels: Pixels, expression: int | None = None) -> Explanation:
    """Return the explanation of a face in 48x48 grey values for one expression, by default the named one."""
    covers = make_covers()
    faces = cover_faces(pixels, covers)
    logits = mirrored_logits(engine, card.normaliser.apply(faces))[HEADS.index(card.served_head)]
    shares = softmax(logits / card.temperature)
    named = int(shares[0].argmax()) if expression is None else expression
    share = float(shares[0, named])
    drops = np.tensordot(share - shares[1:, named], covers, axes=1) / covers.sum(axis=0)
    return Explanation(named, share, drops.astype(np.float32))


def make_covers() -> NDArray[np.float64]:
    """Return covers (K, 48, 48), 1 where a cover hides the face and 0 where it does not, in steps of STEP_PX both ways."""
    places = np.arange(INPUT_SIDE)
    middles = np.arange(STEP_PX / 2, INPUT_SIDE, STEP_PX)
    beyond = np.abs(places - middles[:, np.newaxis] + 0.5) - COVER_PX / 2
    bars = np.clip(0.5 - beyond / SOFT_PX, 0, 1)  # (steps, 48)
    covers: NDArray[np.float64] = np.einsum("ay,bx->abyx", bars, bars).reshape(-1, INPUT_SIDE, INPUT_SIDE)
    return covers


def cover_faces(pixels: Pixels, covers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the face itself and then under each cover, in its own mean grey: (1 + K, 48, 48)."""
    face = pixels.astype(np.float64)
    covered = face * (1 - covers) + face.mean() * covers
    return np.concatenate([face[np.newaxis], covered]).astype(np.float32)


def shuffle_weights(model: Any, seed: int = 2013) -> None:  # Any: a Keras model
    """Put the numbers of every kernel into random order: a network that has learned nothing, with the same figures in it."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.path.endswith("/kernel"):
            variable.assign(rng.permuted(np.asarray(variable).reshape(-1)).reshape(variable.shape))


def measure_explanations(weights: Path, faces: FaceSet, count: int) -> dict[str, Any]:  # Any: a JSON object
    """Return the sanity checks of the maps, on up to `count` faces of each expression on which the raters agree.

    `brows` and `mouth` are mean drops over those parts of the frame, in shares; `correlation_when_shuffled` is that between the
    maps and those of the same network with its weights in random order (Adebayo et al. 2018), near 0 when they depend on them.
    """
    card = load_card(weights)
    served = open_engine("onnx", weights, card)
    shuffled = KerasEngine(weights, card)
    shuffle_weights(shuffled.model)
    if faces.votes is None:
        raise ValueError("clear faces are chosen by the raters' votes")
    shares, usable = rater_shares(faces.votes)
    found: dict[str, Any] = {"by_expression": {}}
    correlations = []
    for index, name in enumerate(EXPRESSIONS):
        clear = np.flatnonzero(usable & (shares[:, index] >= CLEAR))[:count]
        if not len(clear):
            continue
        maps = np.stack([explain(served, card, faces.pixels[place], index).drops for place in clear])
        random = np.stack([explain(shuffled, card, faces.pixels[place], index).drops for place in clear])
        pairs = [(one.ravel(), other.ravel()) for one, other in zip(maps, random, strict=True) if np.ptp(one) and np.ptp(other)]
        correlations += [np.corrcoef(one, other)[0, 1] for one, other in pairs]  # a flat map goes with nothing
        parts = {part: mean_of(maps[:, rows].mean(axis=(1, 2)).astype(np.float64)) for part, rows in PARTS.items()}
        found["by_expression"][name] = {"faces": len(clear), **parts}
    found["correlation_when_shuffled"] = mean_of(np.array(correlations))
    return found


@tell_unreadable()
def main() -> int:
    """Measure, and add the result to report.json as `explanations`. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.explain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights folder")
    parser.add_argument("--data", type=Path, required=True, help="FER2013: folder, zip file or fer2013.csv")
    parser.add_argument("--votes", type=Path, required=True, help="FER+ votes")
    parser.add_argument("--count", type=int, default=20, help="most faces of each expression (default 20)")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    faces = join_votes(load_split(options.data, "validation"), read_votes(options.votes))
    found = measure_explanations(options.weights, faces, options.count)
    add_to_report(options.weights, "explanations", found)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
