"""Which parts of a face moved the score: cover one part after the other, and see how much of the named share goes (occlusion).

Zeiler and Fergus 2014. Chosen over gradients because it runs on the engine that serves, asks nothing of the network's inside, and
says something that can be said aloud: without this part, the share would be so much lower.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.serve.card import ModelCard
from ml.serve.engines import Engine, mirrored_logits, softmax
from ml.serve.expressions import HEADS, INPUT_SIDE
from ml.serve.preprocess import Pixels

COVER_PX = 12
"""Side of the cover: about a mouth's height or an eye with its brow."""
STEP_PX = 4
SOFT_PX = 2.0
"""Width over which the cover fades in. A hard edge is a feature of its own, which the network reacts to."""
DRAWN_SIDE_PX = 192
INK = (10, 104, 128)
FAINT_DROP = 0.05
"""A face whose name hangs on no place shows no dark one: otherwise the map would invent a reason."""


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
