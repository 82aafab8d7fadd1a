"""Which parts of a face matter: cover one part after another, and measure how much the probability of an expression drops.

Occlusion maps after Zeiler and Fergus (2014). Unlike gradients they run on the engine that serves, need no access to the network's
layers, and have a meaning that a clinician can put into words: without this part, the probability would be this much lower.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .card import ModelCard
from .engines import Engine, mirrored_logits, softmax
from .expressions import HEADS, INPUT_SIDE
from .preprocess import Pixels

COVER_PX = 12
"""Side of the cover: about the height of a mouth, or of an eye with its brow."""
STEP_PX = 4
SOFT_PX = 2.0
"""Width over which the cover fades in: the network would react to a hard edge."""
DRAWN_SIDE_PX = 192
INK = (10, 104, 128)
FAINT_DROP = 0.05
"""Largest drops below this are drawn faintly. Scaled to full strength, they would suggest a reason where there is none."""


@dataclass(frozen=True)
class Explanation:
    """How much each place of the input contributes to the probability of one expression (an index into EXPRESSIONS).

    drops (48, 48) float32: by how much the probability drops when this place is covered, in [-1, 1]; negative where it rises.
    """

    expression: int
    probability: float
    drops: NDArray[np.float32]

    @property
    def largest_drop(self) -> float:
        """Return the drop at the place that matters most, in [0, 1]."""
        return max(0.0, float(self.drops.max()))

    def draw(self, pixels: Pixels) -> bytes:
        """Return a PNG, 192 px wide, of the pale face (48, 48), darker where the probability drops more."""
        size = (DRAWN_SIDE_PX, DRAWN_SIDE_PX)
        face = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), np.float32)[
            ..., np.newaxis
        ]  # (192, 192, 1)
        strength = np.clip(self.drops / max(self.largest_drop, FAINT_DROP), 0, 1).astype(np.float32)  # (48, 48)
        cover = 0.9 * np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BICUBIC))[..., np.newaxis]  # (192, 192, 1)
        drawn = (115 + 0.55 * face) * (1 - cover) + np.array(INK, np.float32) * cover  # (192, 192, 3)
        file = io.BytesIO()
        Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8)).save(file, "PNG", optimize=True)
        return file.getvalue()


def explain(engine: Engine, card: ModelCard, pixels: Pixels, expression: int | None = None) -> Explanation:
    """Return the explanation of a face (48, 48) in grey values for one expression, by default the most probable one."""
    covers = make_covers()  # (K, 48, 48)
    faces = cover_faces(pixels, covers)  # (1 + K, 48, 48)
    logits = mirrored_logits(engine, card.normaliser.apply(faces))[HEADS.index(card.served_head)]  # (1 + K, 7)
    probabilities = softmax(logits / card.temperature)  # (1 + K, 7)
    chosen = int(probabilities[0].argmax()) if expression is None else expression
    uncovered = float(probabilities[0, chosen])
    # Each place gets the mean drop of the covers that hide it, weighted by how much they hide.
    drops = np.tensordot(uncovered - probabilities[1:, chosen], covers, axes=1) / covers.sum(axis=0)  # (48, 48)
    return Explanation(chosen, uncovered, drops.astype(np.float32))


def make_covers() -> NDArray[np.float64]:
    """Return covers (K, 48, 48), 1 where a cover hides the face and 0 where it does not, in steps of STEP_PX both ways."""
    places = np.arange(INPUT_SIDE)  # (48,)
    middles = np.arange(STEP_PX / 2, INPUT_SIDE, STEP_PX)  # (steps,)
    beyond = np.abs(places - middles[:, np.newaxis] + 0.5) - COVER_PX / 2  # (steps, 48)
    bars = np.clip(0.5 - beyond / SOFT_PX, 0, 1)  # (steps, 48)
    covers: NDArray[np.float64] = np.einsum("ay,bx->abyx", bars, bars).reshape(-1, INPUT_SIDE, INPUT_SIDE)  # (K, 48, 48)
    return covers


def cover_faces(pixels: Pixels, covers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the face (48, 48) as it is, then under each cover (K, 48, 48) in its own mean grey: float32 (1 + K, 48, 48)."""
    face = pixels.astype(np.float64)  # (48, 48)
    covered = face * (1 - covers) + face.mean() * covers  # (K, 48, 48)
    return np.concatenate([face[np.newaxis], covered]).astype(np.float32)
